import os

from django.db import migrations

from connections.addresses import Address
from connections.platforms import Platform


def fill(apps, schema_editor):
    """The first connection to a place has it; later ones to the same stay as they are, without."""
    taken = set()
    for connection in apps.get_model("connections", "Connection").objects.filter(place=None).order_by("pk").iterator():
        address = Address(
            platform=Platform(connection.platform),
            host=connection.host,
            port=connection.port,
            database=connection.database,
            path=os.path.realpath(connection.path) if connection.path else "",
        )
        if address.place not in taken:
            taken.add(address.place)
            connection.place = address.place
            connection.save(update_fields=["place"])


class Migration(migrations.Migration):
    dependencies = [("connections", "0003_place")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
