"""Keeps a list of whose consent stands, for a system beside Lethe, from the events that Lethe publishes.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    KAFKA_BROKERS=localhost:9092 .venv/bin/python follow_consents.py [--once]

The list and how far each tenant was read stand in one SQLite file and change together: stopped at any moment, started again,
or told everything once more, the list is the same. `--once` ends when there is nothing new.
"""

import json
import os
import sqlite3
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

GIVEN = {"consent.given", "consent.renewed"}
ENDED = {"consent.withdrawn", "consent.expired"}
KNOWN = {(event, "1") for event in GIVEN | ENDED}

SCHEMA = """
CREATE TABLE IF NOT EXISTS place (tenant TEXT PRIMARY KEY, sequence INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS consent (tenant TEXT, id TEXT, subject TEXT, purpose TEXT, PRIMARY KEY (tenant, id));
"""


def attributes(message):
    """What CloudEvents says of a record: its headers, without the prefix. Empty for a record that is none."""
    headers = {name: value.decode() for name, value in message.headers() or [] if value is not None}
    if headers.get("ce_specversion") != "1.0":
        return {}
    return {name.removeprefix("ce_"): value for name, value in headers.items()}


def apply(db, event, data):
    """Does what one event says. Of a type it does not know, it knows that it need not."""
    if event["type"] not in GIVEN | ENDED:
        return
    if (event["type"], event["dataversion"]) not in KNOWN:
        raise SystemExit(f"{event['type']} has version {event['dataversion']}: read its schema, then teach it to this program")
    if event["type"] in GIVEN:
        row = (event["tenant"], data["consentId"], data["subjectId"], data["purposeId"])
        db.execute("INSERT INTO consent VALUES (?, ?, ?, ?)", row)
    if event["type"] in ENDED or "replaces" in data:
        ended = data.get("replaces", data["consentId"])
        db.execute("DELETE FROM consent WHERE tenant = ? AND id = ?", (event["tenant"], ended))
    print(f"{event['tenant']} {int(event['sequence']):>4} {event['time']} {event['type']:<18} {data['consentId'][:8]}")


def take(db, message):
    """Takes a record if it is the tenant's very next event. A repeat is passed over, and so is one before its turn."""
    event = attributes(message)
    if not event:
        return "passed over"
    tenant, sequence = event["tenant"], int(event["sequence"])
    row = db.execute("SELECT sequence FROM place WHERE tenant = ?", (tenant,)).fetchone()
    expected = (row[0] if row else 0) + 1
    if sequence != expected:
        return "before its turn" if sequence > expected else "passed over"
    with db:  # One transaction: the list and the place, or neither.
        apply(db, event, json.loads(message.value()))
        db.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (tenant, sequence))
    return "taken"


def follow(consumer, db, once):
    """Reads until it is interrupted or, if `once`, until it has come to the end of every partition."""
    counts = {"taken": 0, "passed over": 0, "before its turn": 0}
    reading, early, begun, reread = set(), set(), False, set()

    def assigned(_, partitions):
        reading.update(each.partition for each in partitions)

    consumer.subscribe([os.environ.get("KAFKA_TOPIC", "lethe.events")], on_assign=assigned)
    while not (once and begun and not reading):
        message = consumer.poll(1.0)
        begun = begun or bool(reading)
        if message is None:
            continue
        partition = message.partition()
        if message.error() is None:
            result = take(db, message)
            counts[result] += 1
            if result == "before its turn":
                early.add(partition)
            consumer.store_offsets(message)  # Only now: whatever was not taken is read again after a crash.
        elif message.error().code() != KafkaError._PARTITION_EOF:
            raise KafkaException(message.error())
        elif partition in early and partition not in reread:
            # What came before lies before where we began: the file is older than the group, or the topic is a new one.
            early.discard(partition)
            reread.add(partition)
            consumer.seek(TopicPartition(message.topic(), partition, OFFSET_BEGINNING))
        else:
            reading.discard(partition)
    return counts


def main():
    db = sqlite3.connect(os.environ.get("CONSENTS_FILE", "consents.db"))
    db.executescript(SCHEMA)
    consumer = Consumer({
        "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092"),
        "group.id": os.environ.get("KAFKA_GROUP", "follow-consents"),
        "auto.offset.reset": "earliest",
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
    })
    try:
        counts = follow(consumer, db, "--once" in sys.argv)
        print(", ".join(f"{count} {what}" for what, count in counts.items()))
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()  # Leaves the group, with what was read committed.
    print("consents that stand:")
    for tenant, count in db.execute("SELECT tenant, count(*) FROM consent GROUP BY tenant ORDER BY tenant"):
        print(f"{tenant} {count}")


if __name__ == "__main__":
    main()
