"""Makes and fills a database as the demo does, by Django itself.

    demo.py sqlite FILE
    demo.py postgres HOST PORT USER NAME SCHEMA
"""

import json
import pathlib
import sys

import django
from django.conf import settings
from django.core.management import call_command

sys.path.insert(0, str(pathlib.Path(__file__).parent))
if sys.argv[1] == "sqlite":
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[2]}
else:
    host, port, user, name, schema = sys.argv[2:]
    database = {"ENGINE": "django.db.backends.postgresql", "HOST": host, "PORT": port, "USER": user, "NAME": name,
                "OPTIONS": {"options": f"-c search_path={schema}"}}
settings.configure(
    DATABASES={"default": database}, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.messages", "django.contrib.sessions", "flights"])
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry  # noqa: E402
from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from flights.models import Airport, Flight, Passenger  # noqa: E402

jfk = Airport.objects.create(code="JFK", city="New York")
cdg = Airport.objects.create(code="cdg", city="Paris")
odd = Airport.objects.create(code="X1", city="Nowhere")
gone = Flight.objects.create(origin=jfk, destination=cdg, duration=1)
gone.delete()
long = Flight.objects.create(origin=jfk, destination=cdg, duration=415)
wrong = Flight.objects.create(origin=cdg, destination=cdg, duration=-5)
Flight.objects.create(origin=jfk, destination=odd, duration=9)
alice = Passenger.objects.create(first="Zoë", last="Adams")
bob = Passenger.objects.create(first="Bob", last="")
alice.flights.add(long, wrong)
bob.flights.add(long)

boss = User.objects.create_superuser("boss", "boss@example.org", "what the demo had")
clerk = User.objects.create_user("clerk", "", "a clerk of the demo", is_staff=True)
User.objects.create_user("away", "away@example.org", is_active=False)
agents = Group.objects.create(name="Agents")
agents.permissions.add(*Permission.objects.filter(codename__in=["change_passenger", "view_flight", "add_logentry"]))
clerk.groups.add(agents)
clerk.user_permissions.add(Permission.objects.get(codename="delete_airport"))


def log(user, thing, flag, message):
    LogEntry.objects.create(
        user=user, content_type=ContentType.objects.get_for_model(thing), object_id=str(thing.pk),
        object_repr=str(thing), action_flag=flag, change_message=json.dumps(message))


log(boss, long, ADDITION, [{"added": {}}])
log(clerk, long, CHANGE, [{"changed": {"fields": ["Duration"]}},
                          {"added": {"name": "passenger-flight relationship", "object": "Zoë Adams"}}])
log(boss, bob, DELETION, [])
