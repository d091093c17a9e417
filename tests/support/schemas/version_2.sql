BEGIN TRANSACTION;
CREATE TABLE account_approvals (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	case_id VARCHAR(64) NOT NULL, 
	account_id INTEGER NOT NULL, 
	account VARCHAR(64) NOT NULL, 
	reason TEXT NOT NULL, 
	danger BOOLEAN NOT NULL, 
	asked_ms BIGINT NOT NULL, 
	judged_ms BIGINT, 
	judged_by VARCHAR(64) NOT NULL, 
	granted BOOLEAN
);
CREATE TABLE account_grants (
	kind VARCHAR(16) NOT NULL, 
	thing VARCHAR(64) NOT NULL, 
	account_id INTEGER NOT NULL, 
	owns BOOLEAN NOT NULL, 
	PRIMARY KEY (kind, thing, account_id)
);
CREATE TABLE account_keys (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	roles TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	ends_ms BIGINT NOT NULL, 
	UNIQUE (hash)
);
CREATE TABLE account_sessions (
	hash VARCHAR(64) NOT NULL, 
	account_id INTEGER NOT NULL, 
	used_ms BIGINT NOT NULL, 
	ends_ms BIGINT NOT NULL, 
	PRIMARY KEY (hash), 
	FOREIGN KEY(account_id) REFERENCES accounts (id)
);
CREATE TABLE account_tries (
	subject VARCHAR(200) NOT NULL, 
	failed INTEGER NOT NULL, 
	last_ms BIGINT NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (subject)
);
CREATE TABLE accounts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(64) NOT NULL, 
	"key" VARCHAR(128) NOT NULL, 
	password TEXT NOT NULL, 
	roles TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	disabled BOOLEAN NOT NULL, 
	UNIQUE ("key")
);
INSERT INTO "accounts" VALUES(1,'olga','olga','','operator','{"everything": false, "districts": ["longcheng"], "cameras": [], "back_hours": null}','',1795489289839,0);
CREATE TABLE alerts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	standing_id INTEGER NOT NULL, 
	row_id VARCHAR(256) NOT NULL, 
	subject VARCHAR(256) NOT NULL, 
	camera_id VARCHAR(64) NOT NULL, 
	segment_id VARCHAR(256) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	time_ms BIGINT NOT NULL, 
	start_ms BIGINT NOT NULL, 
	end_ms BIGINT NOT NULL, 
	x1 INTEGER NOT NULL, 
	y1 INTEGER NOT NULL, 
	x2 INTEGER NOT NULL, 
	y2 INTEGER NOT NULL, 
	frame_width INTEGER NOT NULL, 
	frame_height INTEGER NOT NULL, 
	score FLOAT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	seen_ms BIGINT, 
	verdict VARCHAR(8) NOT NULL, 
	UNIQUE (standing_id, row_id), 
	UNIQUE (standing_id, subject), 
	FOREIGN KEY(standing_id) REFERENCES standing (id)
);
CREATE TABLE audit_entries (
	number INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	account TEXT NOT NULL, 
	address TEXT NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	case_id VARCHAR(64) NOT NULL, 
	status INTEGER NOT NULL, 
	details TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "audit_entries" VALUES(1,1795489289936,'olga','10.0.0.1','search','2026-0001',0,'{}','0000000000000000000000000000000000000000000000000000000000000000','c95b50b01d7e2630527b49bf9cc2ecd2c67e259769a1dc34458e5425f90ce102');
INSERT INTO "audit_entries" VALUES(2,1795489289938,'olga','10.0.0.1','search','2026-0001',0,'{}','c95b50b01d7e2630527b49bf9cc2ecd2c67e259769a1dc34458e5425f90ce102','4ec40309e4a341df7ab339a493e4d0eb77c2bc13f8fdbce33d47cede21cc8857');
INSERT INTO "audit_entries" VALUES(3,1795489289940,'olga','10.0.0.1','search','2026-0001',0,'{}','4ec40309e4a341df7ab339a493e4d0eb77c2bc13f8fdbce33d47cede21cc8857','fa8604bb376fd0279ff70d447c73b42cf85a0f89ef6e5efec019cb8f50240f0a');
CREATE TABLE cameras (
	id VARCHAR(64) NOT NULL, 
	name VARCHAR NOT NULL, 
	district VARCHAR NOT NULL, 
	lat FLOAT, 
	lon FLOAT, 
	clock_offset_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "cameras" VALUES('gate','North gate','longcheng',22.72,114.25,500);
CREATE TABLE case_marks (
	case_id VARCHAR(16) NOT NULL, 
	number INTEGER NOT NULL, 
	clip_id VARCHAR(256) NOT NULL, 
	sign VARCHAR(8) NOT NULL, 
	made_ms BIGINT NOT NULL, 
	PRIMARY KEY (case_id, number), 
	FOREIGN KEY(case_id) REFERENCES cases (id)
);
CREATE TABLE case_photos (
	case_id VARCHAR(16) NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (case_id, number), 
	FOREIGN KEY(case_id) REFERENCES cases (id)
);
CREATE TABLE case_sentences (
	case_id VARCHAR(16) NOT NULL, 
	number INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (case_id, number), 
	FOREIGN KEY(case_id) REFERENCES cases (id)
);
INSERT INTO "case_sentences" VALUES('2026-0001',1,'穿红色上衣的人');
CREATE TABLE case_sightings (
	case_id VARCHAR(16) NOT NULL, 
	number INTEGER NOT NULL, 
	track VARCHAR(256) NOT NULL, 
	clip_id VARCHAR(256) NOT NULL, 
	camera_id VARCHAR(64) NOT NULL, 
	segment_id VARCHAR(32) NOT NULL, 
	start_ms BIGINT NOT NULL, 
	end_ms BIGINT NOT NULL, 
	time_ms BIGINT NOT NULL, 
	x1 INTEGER NOT NULL, 
	y1 INTEGER NOT NULL, 
	x2 INTEGER NOT NULL, 
	y2 INTEGER NOT NULL, 
	frame_width INTEGER NOT NULL, 
	frame_height INTEGER NOT NULL, 
	note TEXT NOT NULL, 
	confirmed_ms BIGINT NOT NULL, 
	hold_id INTEGER NOT NULL, 
	PRIMARY KEY (case_id, number), 
	UNIQUE (case_id, track), 
	FOREIGN KEY(case_id) REFERENCES cases (id)
);
CREATE TABLE case_years (
	year INTEGER NOT NULL, 
	last_number INTEGER NOT NULL, 
	PRIMARY KEY (year)
);
INSERT INTO "case_years" VALUES(2026,1);
CREATE TABLE cases (
	id VARCHAR(16) NOT NULL, 
	name TEXT NOT NULL, 
	seen_ms BIGINT, 
	seen_camera VARCHAR(64) NOT NULL, 
	seen_lat FLOAT, 
	seen_lon FLOAT, 
	seen_place TEXT NOT NULL, 
	speed_mps FLOAT NOT NULL, 
	note TEXT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	closed_ms BIGINT, 
	last_photo INTEGER NOT NULL, 
	last_mark INTEGER NOT NULL, 
	last_sighting INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "cases" VALUES('2026-0001','Li Ming',NULL,'',NULL,NULL,'',1.4,'',1767225600000,NULL,0,0,0);
CREATE TABLE deliveries (
	id VARCHAR(32) NOT NULL, 
	alert_id INTEGER NOT NULL, 
	standing_id INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_ms BIGINT NOT NULL, 
	lease_owner VARCHAR, 
	lease_until_ms BIGINT, 
	said TEXT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(alert_id) REFERENCES alerts (id), 
	FOREIGN KEY(standing_id) REFERENCES standing (id)
);
CREATE TABLE facts (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('schema','2');
INSERT INTO "facts" VALUES('model','{"label": "colours", "dim": 7}');
INSERT INTO "facts" VALUES('account_schema','1');
INSERT INTO "facts" VALUES('casework_schema','1');
INSERT INTO "facts" VALUES('audit_schema','1');
INSERT INTO "facts" VALUES('standing_schema','1');
CREATE TABLE gaps (
	camera_id VARCHAR(64) NOT NULL, 
	role VARCHAR(8) NOT NULL, 
	start_ms BIGINT NOT NULL, 
	end_ms BIGINT NOT NULL, 
	reason VARCHAR(32) NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (camera_id, role, start_ms), 
	FOREIGN KEY(camera_id) REFERENCES cameras (id)
);
CREATE TABLE health (
	camera_id VARCHAR(64) NOT NULL, 
	role VARCHAR(8) NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	detail TEXT NOT NULL, 
	since_ms BIGINT NOT NULL, 
	last_frame_ms BIGINT NOT NULL, 
	open_since_ms BIGINT NOT NULL, 
	fps FLOAT NOT NULL, 
	kbit_s FLOAT NOT NULL, 
	reconnects INTEGER NOT NULL, 
	clock_jumps INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	codec VARCHAR(32) NOT NULL, 
	updated_ms BIGINT NOT NULL, 
	PRIMARY KEY (camera_id, role), 
	FOREIGN KEY(camera_id) REFERENCES cameras (id)
);
CREATE TABLE holds (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	camera_id VARCHAR(64) NOT NULL, 
	start_ms BIGINT NOT NULL, 
	end_ms BIGINT NOT NULL, 
	why TEXT NOT NULL
);
CREATE TABLE refused (
	path VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	message VARCHAR NOT NULL, 
	cure VARCHAR NOT NULL, 
	time_ms BIGINT NOT NULL, 
	PRIMARY KEY (path)
);
CREATE TABLE rules (
	camera_id VARCHAR(64) NOT NULL, 
	keep_days FLOAT, 
	masks TEXT NOT NULL, 
	PRIMARY KEY (camera_id), 
	FOREIGN KEY(camera_id) REFERENCES cameras (id)
);
CREATE TABLE segments (
	id VARCHAR(32) NOT NULL, 
	camera_id VARCHAR(64) NOT NULL, 
	path VARCHAR NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	start_ms BIGINT NOT NULL, 
	start_source VARCHAR NOT NULL, 
	duration_ms BIGINT NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	owner VARCHAR, 
	lease_until_ms BIGINT, 
	attempts INTEGER NOT NULL, 
	report TEXT, 
	role VARCHAR(8) DEFAULT 'file' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(camera_id) REFERENCES cameras (id)
);
INSERT INTO "segments" VALUES('708686187f9e239140f4f4eb','gate','/v/1.mp4','0000000000000000000000000000000000000000000000000000000000000000',10,1000,'file modification time',500,0,0,'indexed',NULL,NULL,0,'{"state": "indexed", "seen": 10, "indexed": 4, "skipped": {"not due": 6}, "rows": 7, "reason": "", "message": "", "cure": ""}','file');
CREATE TABLE standing (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	sentence TEXT NOT NULL, 
	case_id TEXT NOT NULL, 
	likes TEXT NOT NULL, 
	cameras TEXT NOT NULL, 
	alarms_per_day FLOAT NOT NULL, 
	cool_down_ms BIGINT NOT NULL, 
	per_camera_per_day INTEGER NOT NULL, 
	include_old BOOLEAN NOT NULL, 
	paused BOOLEAN NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	model TEXT NOT NULL, 
	vector BLOB NOT NULL, 
	curve BLOB NOT NULL, 
	measured TEXT NOT NULL, 
	webhook_sealed TEXT, 
	webhook_shown TEXT NOT NULL, 
	webhook_stopped TEXT NOT NULL, 
	created_ms BIGINT NOT NULL
);
CREATE TABLE standing_faults (
	id INTEGER NOT NULL, 
	count BIGINT NOT NULL, 
	rows_missed BIGINT NOT NULL, 
	last_ms BIGINT NOT NULL, 
	said TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE streams (
	camera_id VARCHAR(64) NOT NULL, 
	role VARCHAR(8) NOT NULL, 
	sealed TEXT NOT NULL, 
	shown TEXT NOT NULL, 
	since_ms BIGINT NOT NULL, 
	PRIMARY KEY (camera_id, role), 
	FOREIGN KEY(camera_id) REFERENCES cameras (id)
);
CREATE INDEX ix_segments_queue ON segments (state, role, start_ms);
CREATE INDEX ix_segments_camera_id ON segments (camera_id);
CREATE INDEX ix_segments_state ON segments (state);
CREATE INDEX ix_segments_start_ms ON segments (start_ms);
CREATE INDEX ix_segments_camera_time ON segments (camera_id, start_ms);
CREATE INDEX ix_gaps_end_ms ON gaps (end_ms);
CREATE INDEX ix_account_approvals_case_id ON account_approvals (case_id);
CREATE INDEX ix_account_sessions_account_id ON account_sessions (account_id);
CREATE INDEX audit_by_account ON audit_entries (account, number);
CREATE INDEX audit_by_case ON audit_entries (case_id, number);
CREATE INDEX ix_alerts_near ON alerts (standing_id, camera_id, time_ms);
CREATE INDEX ix_deliveries_standing_id ON deliveries (standing_id);
CREATE INDEX ix_deliveries_due ON deliveries (state, due_ms);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('accounts',1);
COMMIT;
