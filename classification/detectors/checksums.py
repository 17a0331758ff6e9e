"""Numbers that carry their own proof: check digits of national, bank and device numbers.

The arithmetic is python-stdnum's where it has it, imported when a column first asks; Australian Medicare is ours. A check
takes a compact number (no blanks, dots, dashes or slashes; upper case) and tells whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

Check = Callable[[str], bool]

_DIGITS = {length: re.compile(rf"\d{{{length}}}", re.ASCII) for length in range(8, 20)}
_MEDICARE_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9)
_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14}|6\d{15,18}", re.ASCII
)
# The countries of the IBAN registry (SWIFT, release 97).
_IBAN = re.compile(
    r"(?:A[DELTZ]|B[AEGHIRY]|C[HRYZ]|D[EJKO]|E[EGS]|F[IKOR]|G[BEILRT]|H[NRU]|I[ELQST]|JO|K[WZ]|L[BCITUVY]|M[CDEKNRTU]"
    r"|N[ILO]|OM|P[KLST]|QA|R[OSU]|S[ACDEIKMOTV]|T[LNR]|UA|V[AG]|XK|YE)\d{2}[A-Z0-9]{11,30}",
    re.ASCII,
)
_RESIDENT = re.compile(r"[1-8]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]", re.ASCII)
_IMEI = re.compile(r"(?:35|86|01|99|45|49)\d{13}", re.ASCII)


def australian_medicare(number: str) -> bool:
    """Ten digits, or eleven with the person's number on the card: the first is 2 to 6, the ninth the check digit
    (weights 1, 3, 7, 9, 1, 3, 7, 9 modulo 10), the tenth the issue, never 0 (Services Australia)."""
    if len(number) not in (10, 11) or not (number.isascii() and number.isdigit()):
        return False
    if not "2" <= number[0] <= "6":
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_MEDICARE_WEIGHTS, number, strict=False))
    return total % 10 == int(number[8])


def _stdnum(module: str, *lengths: int) -> Check:
    """python-stdnum's verdict on digits of these lengths; its parsing is not asked about anything else."""

    def check(number: str) -> bool:
        if len(number) not in lengths or not (number.isascii() and number.isdigit()):
            return False
        return bool(_module(module).is_valid(number))

    return check


def _stdnum_text(module: str, pattern: str) -> Check:
    shape = re.compile(pattern, re.ASCII)

    def check(number: str) -> bool:
        return shape.fullmatch(number) is not None and bool(_module(module).is_valid(number))

    return check


@cache
def _module(name: str) -> Any:
    return import_module(f"stdnum.{name}")


def payment_card(number: str) -> bool:
    """Twelve to nineteen digits of an issuer that exists, with Luhn's check digit."""
    return _CARD.fullmatch(number) is not None and bool(_module("luhn").is_valid(number))


def chinese_resident(number: str) -> bool:
    """A region, a day of birth, a serial and the check sign (GB 11643, ISO 7064 mod 11, 2); which regions there were when
    is not asked, since they change."""
    return _RESIDENT.fullmatch(number) is not None and bool(_module("cn.ric").calc_check_digit(number) == number[-1])


def iban(number: str) -> bool:
    """A country, two check digits (ISO 7064 mod 97, 10) and an account; the country's own rules are not asked."""
    if _IBAN.fullmatch(number) is None:
        return False
    turned = number[4:] + number[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def imei(number: str) -> bool:
    """Fifteen digits of a reporting body that exists, with Luhn's check digit."""
    return _IMEI.fullmatch(number) is not None and bool(_module("luhn").is_valid(number))


_CHECKS: dict[str, Check] = {
    "au_tfn": _stdnum("au.tfn", 8, 9),
    "au_abn": _stdnum("au.abn", 11),
    "au_medicare": australian_medicare,
    "uk_nhs": _stdnum("gb.nhs", 10),
    "in_aadhaar": _stdnum("in_.aadhaar", 12),
    "fr_nir": _stdnum_text("fr.nir", r"[1278]\d{4}(?:\d{2}|2[AB])\d{8}"),
    "de_tax_id": _stdnum("de.idnr", 11),
    "cn_resident_id": chinese_resident,
    "br_cpf": _stdnum("br.cpf", 11),
    "es_nif": _stdnum_text("es.nif", r"(?:\d{8}|[XYZ]\d{7})[A-Z]"),
    "it_codice_fiscale": _stdnum_text(
        "it.codicefiscale", r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z]\w{3}[A-Z]"
    ),
    "nl_bsn": _stdnum("nl.bsn", 9),
    "ca_sin": _stdnum("ca.sin", 9),
    "pl_pesel": _stdnum("pl.pesel", 11),
    "kr_rrn": _stdnum("kr.rrn", 13),
    "za_id": _stdnum("za.idnr", 13),
    "tr_kimlik": _stdnum("tr.tckimlik", 11),
    "be_nn": _stdnum("be.nn", 11),
    "se_personnummer": _stdnum_text("se.personnummer", r"(?:19|20)?\d{6}[-+]?\d{4}"),
    "fi_hetu": _stdnum_text("fi.hetu", r"\d{6}[-+A]\d{3}[0-9A-Y]"),
    "mx_curp": _stdnum_text("mx.curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d"),
    "cl_rut": _stdnum_text("cl.rut", r"\d{7,8}[\dK]"),
    "us_routing": _stdnum("us.rtn", 9),
    "luhn": lambda number: number.isascii() and number.isdigit() and bool(_module("luhn").is_valid(number)),
    "credit_card": payment_card,
    "iban": iban,
    "imei": imei,
    "ean": _stdnum("ean", 8, 12, 13, 14),
}


def names() -> tuple[str, ...]:
    """The checks that a category of an administrator may name."""
    return tuple(_CHECKS)


def check(name: str) -> Check:
    """The check of that name; KeyError when there is none."""
    return _CHECKS[name]
