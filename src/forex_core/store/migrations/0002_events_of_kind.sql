-- alerts, backups and drills are looked up by their kind, among the events of years
CREATE INDEX events_of_kind ON events (kind, at);
