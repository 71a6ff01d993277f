"""What happens in the demo after it was copied.

    later.py FILE
"""

import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
add = database.execute
# Just as flight 2 and passenger 1 say, but others.
add("INSERT INTO flights_flight (id, origin_id, destination_id, duration) VALUES (20, 1, 2, 415)")
for number in (9, 10):
    add("INSERT INTO flights_passenger (id, first, last) VALUES (?, 'Zo\u00eb', 'Adams')", (number,))
add("INSERT INTO flights_passenger_flights (passenger_id, flight_id) VALUES (9, 20)")
add("UPDATE flights_flight SET duration = 416 WHERE id = 2")
database.commit()
