"""Adds rows to the demo's SQLite database that its forms would not have let through.

    odd.py FILE
"""

import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
add = database.execute


def log(what, at):
    add("INSERT INTO django_admin_log (object_id, object_repr, action_flag, change_message, user_id, action_time) "
        "VALUES (NULL, ?, 9, ?, 1, ?)", (what, what, at))


for code, city in (("N\0L", "Nul"), ("jfk", "The same again"), ("LHR", "x" * 200)):
    add("INSERT INTO flights_airport (code, city) VALUES (?, ?)", (code, city))
add("INSERT INTO flights_flight (origin_id, destination_id, duration) VALUES (1, 2, ?)", (2**63 - 1,))
for number in (0, 2**63 - 1):
    add("INSERT INTO flights_flight (id, origin_id, destination_id, duration) VALUES (?, 1, 2, 7)", (number,))
for first in ("A\0", "A" * 65):
    add("INSERT INTO flights_passenger (first, last) VALUES (?, 'B')", (first,))
for name, password in (("CLERK", "x"), ("clerk ", "x"), ("n\0l", "x"), ("md5", "md5$a$b"), ("nul", "pbkdf2_sha256$1000$sa\0lt$x"),
                       ("endless", "pbkdf2_sha256$999999999999$salt$aGFzaA==")):
    add("INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, "
        "date_joined) VALUES (?, 0, ?, '', '', '', 1, 1, '2019-01-01')", (password, name))
add("INSERT INTO auth_group (name) VALUES (?)", ("g\0",))
log("N\0\x1b[2J", "2019-01-01 10:00:00")
log("é" * 600, "")
database.commit()
