CREATE TABLE facts (name VARCHAR NOT NULL, value VARCHAR NOT NULL, PRIMARY KEY (name));
CREATE TABLE cameras (id VARCHAR(64) NOT NULL, name VARCHAR NOT NULL, district VARCHAR NOT NULL, lat FLOAT, lon FLOAT,
    clock_offset_ms BIGINT NOT NULL, PRIMARY KEY (id));
CREATE TABLE segments (id VARCHAR(32) NOT NULL, camera_id VARCHAR(64) NOT NULL, path VARCHAR NOT NULL,
    sha256 VARCHAR(64) NOT NULL, size_bytes BIGINT NOT NULL, start_ms BIGINT NOT NULL, start_source VARCHAR NOT NULL,
    duration_ms BIGINT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, state VARCHAR(16) NOT NULL,
    owner VARCHAR, lease_until_ms BIGINT, attempts INTEGER NOT NULL, report TEXT, PRIMARY KEY (id),
    FOREIGN KEY(camera_id) REFERENCES cameras (id));
CREATE INDEX ix_segments_camera_id ON segments (camera_id);
CREATE INDEX ix_segments_start_ms ON segments (start_ms);
CREATE INDEX ix_segments_state ON segments (state);
CREATE TABLE refused (path VARCHAR NOT NULL, reason VARCHAR NOT NULL, message VARCHAR NOT NULL, cure VARCHAR NOT NULL,
    time_ms BIGINT NOT NULL, PRIMARY KEY (path));
INSERT INTO facts VALUES ('schema', '1'), ('model', '{"label": "colours", "dim": 7}');
INSERT INTO cameras VALUES ('gate', 'North gate', 'longcheng', 22.72, 114.25, 500);
INSERT INTO segments VALUES ('0123456789abcdef01234567', 'gate', '/v/1.mp4', 'aa', 10, 1000, 'file modification time',
    500, 640, 480, 'indexed', NULL, NULL, 1, '{"state": "indexed", "seen": 10, "indexed": 4,
    "skipped": {"not due": 6}, "rows": 7, "reason": "", "message": "", "cure": ""}');
