-- One document per version of the catalogue; the latest counts.
CREATE TABLE catalogue (
  version INTEGER PRIMARY KEY,
  document TEXT NOT NULL
) STRICT;
