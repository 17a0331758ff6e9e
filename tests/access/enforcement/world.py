"""A catalog whose source is a real database with people's logins."""

from __future__ import annotations

from dataclasses import dataclass

from access.actions import approve_request, request_access
from access.enforcement.reconciling import reconcile
from access.models import DatabaseLogin, Enforcement, Grant
from accounts.models import Principal
from catalog.models import Dataset, Domain, Source, Tier
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source
from tests.access.provisioning.postgres import PASSWORD, Warehouse
from tests.factories import dataset, domain, ownership, person

REFUSED = "42501"


@dataclass
class World:
    """`ada`, `bob` and `eve` log in to the warehouse; `owner` answers for its datasets."""

    place: Warehouse
    source: Source
    domain: Domain
    orders: Dataset
    people: dict[str, Principal]
    owner: Principal

    @property
    def enforcement(self) -> Enforcement:
        return Enforcement.objects.get(source=self.source)

    def login(self, name: str) -> str:
        return DatabaseLogin.objects.get(principal=self.people[name], valid_to=None).name

    def set(self, **values) -> None:
        Enforcement.objects.filter(source=self.source).update(**values)

    def grant(self, name: str, *columns: str, days: int = 30, on: Dataset | None = None) -> Grant:
        """Asked for and approved; not yet carried out."""
        chosen = on or self.orders
        request = request_access(
            dataset=chosen,
            fields=list(chosen.fields.filter(path__in=[[column] for column in columns])) if columns else [],
            purpose="To see who needs help",
            days=days,
            by=self.people[name],
        )
        made = approve_request(request=request, by=self.owner)
        assert made is not None
        return made

    def reconcile(self) -> None:
        assert reconcile(self.source.pk)

    def state(self, grant: Grant) -> str:
        return Grant.objects.get(pk=grant.pk).state

    def reads(self, name: str, query: str = "SELECT * FROM sales.orders"):
        return self.place.reads(self.login(name), query)


def connect(place: Warehouse, port: int | None = None, *, name: str = "") -> Source:
    """A source of the catalog that reaches the warehouse as the catalog's account."""
    url = f"postgres://{place.account}:{PASSWORD.replace(' ', '%20')}@{place.cluster.host}:{port or place.cluster.port}"
    address = parse_address(f"{url}/{place.database}?sslmode=disable&connect_timeout=3")
    return add_crawled_source(name=name or place.database, address=address, by=Principal.objects.system())


def world_of(place: Warehouse, *, port: int | None = None, mode: str = "automatic") -> World:
    place.owner(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id int, email text, phone text)",
        "INSERT INTO sales.orders VALUES (1, 'ada@example.org', '0400 123 456')",
    )
    place.allow_service()
    source = connect(place, port)
    people_domain = domain(open_tier=Tier.METADATA)
    owner = person()
    orders = catalogued(source, people_domain, owner, "orders", ("id", "email", "phone"))
    system = Principal.objects.system()
    Enforcement.objects.create(
        source=source,
        mode=mode,
        profile=place.rules.profile.value,
        prefix=place.rules.prefix,
        mask_schema=place.rules.mask_schema,
        changed_by=system,
    )
    people = {}
    for login in place.logins:
        name = login.partition("_")[0]
        people[name] = person()
        DatabaseLogin.objects.create(source=source, principal=people[name], name=login, set_by=system)
    return World(place, source, people_domain, orders, people, owner)


def catalogued(source: Source, of: Domain, owner: Principal, name: str, fields: tuple[str, ...]) -> Dataset:
    """A dataset of the catalog at sales.<name>."""
    made = dataset(name, domain=of, source=source, fields=fields)
    made.path = [source.connection.database, "sales", name]
    made.save(update_fields=["path"])
    ownership(made, owner)
    return made
