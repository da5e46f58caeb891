// tables.c -- the tables, and how they came to be.
//
// The queue is table job: three partial indexes make "the next one", "the longest waiting
// one" and "leases by time" look-ups of one row however many jobs have ended.  Texts of
// answers stand in result, which several jobs may share.  Words that repeat (model names,
// folders) stand once, in word.  What `status` shows is kept up to date by triggers in
// tally, so that it costs the same with a million rows.
// SPDX-License-Identifier: MIT
#include "store/schema.h"

static const char version_1[] =
    "CREATE TABLE word("
    " id INTEGER PRIMARY KEY,"
    " text TEXT NOT NULL UNIQUE);"

    // Numbers of owners and jobs are never used again: leases and links are fenced by
    // them.
    "CREATE TABLE owner("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " started_at INTEGER NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " status TEXT NOT NULL DEFAULT '');"

    "CREATE TABLE batch("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT NOT NULL UNIQUE,"
    " made_at INTEGER NOT NULL);"

    "CREATE TABLE job("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " cid INTEGER NOT NULL,"
    " path TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL,"
    " is_url INTEGER NOT NULL,"
    " root INTEGER NOT NULL DEFAULT 0,"  // word
    " state INTEGER NOT NULL DEFAULT 0,"
    " outcome INTEGER NOT NULL DEFAULT 0,"
    " prior INTEGER NOT NULL DEFAULT 0,"  // outcome before it was asked for again
    " priority INTEGER NOT NULL DEFAULT 0,"
    " is_degraded INTEGER NOT NULL DEFAULT 0,"
    " is_redo INTEGER NOT NULL DEFAULT 0,"
    " is_member INTEGER NOT NULL DEFAULT 0,"  // of any batch
    " has_doc INTEGER NOT NULL DEFAULT 0,"    // stands in search
    " run_at INTEGER NOT NULL DEFAULT 0,"  // 0 = due; set back to 0 when its time comes
    " queued_at INTEGER NOT NULL,"         // last time
    " seen_at INTEGER NOT NULL,"           // first time
    " ended_at INTEGER NOT NULL DEFAULT 0,"
    " owner INTEGER NOT NULL DEFAULT 0,"
    " lease_until INTEGER NOT NULL DEFAULT 0,"
    " claims INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " asking BLOB,"                           // content under way, while leased
    " asking_at INTEGER NOT NULL DEFAULT 0,"  // who was first among equal ones
    " code INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL DEFAULT '',"
    " taken_at INTEGER NOT NULL DEFAULT 0,"
    " app TEXT NOT NULL DEFAULT '',"
    " window TEXT NOT NULL DEFAULT '',"
    " screen INTEGER NOT NULL DEFAULT 0,"  // word
    " url TEXT NOT NULL DEFAULT '',"
    " content BLOB,"  // of the picture that was described
    " sent_hash BLOB,"
    " width INTEGER NOT NULL DEFAULT 0,"
    " height INTEGER NOT NULL DEFAULT 0,"
    " sent_width INTEGER NOT NULL DEFAULT 0,"
    " sent_height INTEGER NOT NULL DEFAULT 0,"
    " sent_bytes INTEGER NOT NULL DEFAULT 0,"
    " duplicate_of INTEGER,"
    " near_blocks INTEGER NOT NULL DEFAULT -1,"  // of a duplicate that is only alike
    " near_diff INTEGER NOT NULL DEFAULT -1,"
    " result INTEGER,"
    " ocr_text TEXT NOT NULL DEFAULT '',"
    " queued_ms INTEGER NOT NULL DEFAULT 0,"
    " prepare_ms INTEGER NOT NULL DEFAULT 0,"
    " request_ms INTEGER NOT NULL DEFAULT 0,"
    " first_byte_ms INTEGER NOT NULL DEFAULT 0,"
    // Room for what is known at the end: rows that grow would split their pages.
    " room BLOB,"
    // taken_at, else seen_at.  Not generated: SQLite would not see that job_at covers it.
    " at_ms INTEGER NOT NULL DEFAULT 0,"
    " newest_ms INTEGER AS (CASE WHEN taken_at > 0 THEN taken_at"
    "  WHEN mtime > 0 THEN mtime / 1000000 ELSE seen_at END) VIRTUAL,"
    " tally INTEGER AS (state + 4 * outcome + 32 * is_degraded"
    "  + CASE outcome WHEN 6 THEN -64 * code ELSE 0 END) VIRTUAL,"
    " UNIQUE (path, size, mtime));"

    "CREATE INDEX job_ready ON job(is_degraded, priority DESC, newest_ms DESC, id DESC)"
    " WHERE state = 0 AND run_at = 0;"
    "CREATE INDEX job_aged ON job(is_degraded, run_at, queued_at) WHERE state = 0;"
    "CREATE INDEX job_lease ON job(lease_until) WHERE state = 1;"
    "CREATE INDEX job_asking ON job(asking) WHERE asking IS NOT NULL;"
    "CREATE INDEX job_at ON job(at_ms, outcome);"
    "CREATE INDEX job_app ON job(app COLLATE NOCASE) WHERE app <> '';"
    "CREATE INDEX job_odd ON job(id, outcome, code) WHERE outcome >= 4;"
    "CREATE INDEX job_degraded ON job(id) WHERE is_degraded = 1;"
    "CREATE INDEX job_copy ON job(duplicate_of, at_ms) WHERE duplicate_of IS NOT NULL;"
    "CREATE INDEX job_result ON job(result) WHERE result IS NOT NULL;"

    "CREATE TABLE member("
    " batch INTEGER NOT NULL,"
    " job INTEGER NOT NULL,"
    " is_open INTEGER NOT NULL,"
    " PRIMARY KEY (batch, job)) WITHOUT ROWID;"
    "CREATE INDEX member_open ON member(batch, job) WHERE is_open = 1;"
    "CREATE INDEX member_job ON member(job);"

    "CREATE TABLE result("
    " id INTEGER PRIMARY KEY,"
    " content BLOB,"
    " model INTEGER NOT NULL,"  // word, like the next ones
    " prompt INTEGER NOT NULL,"
    " params INTEGER NOT NULL,"
    " backend INTEGER NOT NULL,"
    " tier INTEGER NOT NULL,"
    " finish_reason INTEGER NOT NULL,"
    " is_degraded INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " prompt_tokens INTEGER NOT NULL,"
    " completion_tokens INTEGER NOT NULL,"
    " summary TEXT NOT NULL,"
    " activity TEXT NOT NULL,"
    " app TEXT NOT NULL,"
    " details TEXT NOT NULL,"
    " tags TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " raw_len INTEGER NOT NULL,"  // of raw unpacked; 0 = raw is not packed
    " raw BLOB,"
    " UNIQUE (content, model, prompt, params));"

    "CREATE TABLE attempt("
    " job INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " backend INTEGER NOT NULL,"  // word
    " model INTEGER NOT NULL,"    // word
    " code INTEGER NOT NULL,"
    " request_ms INTEGER NOT NULL,"
    " words TEXT NOT NULL,"
    " PRIMARY KEY (job, n)) WITHOUT ROWID;"

    // The last described pictures of each source, to compare new ones with.
    "CREATE TABLE frame("
    " id INTEGER PRIMARY KEY,"
    " root INTEGER NOT NULL,"    // word
    " screen INTEGER NOT NULL,"  // word
    " at_ms INTEGER NOT NULL,"
    " look INTEGER NOT NULL,"
    " job INTEGER NOT NULL UNIQUE,"
    " luma BLOB NOT NULL);"
    "CREATE INDEX frame_source ON frame(root, screen, at_ms, look, job);"

    // key >= 0: jobs by job.tally; below: other sums.  batch 0: everything.  n has no NOT
    // NULL: checking it in a trigger would make SQLite open a savepoint each time.
    "CREATE TABLE tally("
    " batch INTEGER NOT NULL,"
    " key INTEGER NOT NULL,"
    " n INTEGER,"
    " PRIMARY KEY (batch, key)) WITHOUT ROWID;"

    "CREATE TRIGGER job_born AFTER INSERT ON job BEGIN"
    " INSERT INTO tally VALUES (0, new.tally, 1)"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER job_moved AFTER UPDATE OF state, outcome, code, is_degraded ON job"
    " WHEN old.tally <> new.tally BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = 0 AND key = old.tally;"
    " INSERT INTO tally VALUES (0, new.tally, 1)"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER job_moved_member AFTER UPDATE OF state, outcome, code, is_degraded "
    "ON job"
    " WHEN new.is_member AND old.tally <> new.tally BEGIN"
    " UPDATE tally SET n = n - 1"
    "  WHERE key = old.tally AND batch IN (SELECT batch FROM member WHERE job = new.id);"
    " INSERT INTO tally SELECT batch, new.tally, 1 FROM member WHERE job = new.id"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    " UPDATE member SET is_open = (new.state < 2) WHERE job = new.id;"
    "END;"
    "CREATE TRIGGER job_gone BEFORE DELETE ON job BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = 0 AND key = old.tally;"
    " DELETE FROM member WHERE job = old.id;"
    " DELETE FROM attempt WHERE job = old.id;"
    " DELETE FROM frame WHERE job = old.id;"
    "END;"
    "CREATE TRIGGER member_born AFTER INSERT ON member BEGIN"
    " INSERT INTO tally SELECT new.batch, tally, 1 FROM job WHERE id = new.job"
    "  ON CONFLICT DO UPDATE SET n = n + 1;"
    "END;"
    "CREATE TRIGGER member_gone AFTER DELETE ON member BEGIN"
    " UPDATE tally SET n = n - 1 WHERE batch = old.batch"
    "  AND key = (SELECT tally FROM job WHERE id = old.job);"
    "END;"

    // One column for all that is prose: each column more costs two bytes per word.
    "CREATE VIEW doc AS SELECT j.id AS id, r.summary || char(10) || r.activity || "
    "char(10)"
    " || r.details || char(10) || r.text || char(10) || j.ocr_text AS body,"
    " j.app || char(10) || r.app AS app, j.window AS window, r.tags AS tags"
    " FROM job j JOIN result r ON r.id = j.result WHERE j.has_doc = 1;"
    "CREATE VIRTUAL TABLE search USING fts5(body, app, window, tags,"
    " content='doc', content_rowid='id', tokenize='unicode61 remove_diacritics 2');"
    // Fewer, larger merges: a third less work for the writer, still in small steps.
    "INSERT INTO search(search, rank) VALUES ('automerge', 16), ('crisismerge', 64);";

static const char version_2[] =
    "ALTER TABLE job ADD COLUMN verdict TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN masks TEXT NOT NULL DEFAULT '';"
    // Blocked: window and url were taken out of the row.
    "ALTER TABLE job ADD COLUMN is_erased INTEGER NOT NULL DEFAULT 0;"

    // Plain texts and no numbers of words: it can be read and checked without vlmd.
    "CREATE TABLE audit("
    " seq INTEGER PRIMARY KEY,"
    " at_ms INTEGER NOT NULL,"
    " job INTEGER NOT NULL,"
    " cid TEXT NOT NULL,"
    " content BLOB,"
    " sent_hash BLOB,"
    " verdict TEXT NOT NULL,"
    " stage TEXT NOT NULL,"
    " categories TEXT NOT NULL,"
    " rules TEXT NOT NULL,"
    " app TEXT NOT NULL,"
    " destination TEXT NOT NULL,"
    " bytes_sent INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " until_seq INTEGER NOT NULL,"
    " until_ms INTEGER NOT NULL,"
    " before BLOB NOT NULL,"  // hash of the row before
    " hash BLOB NOT NULL);"
    "CREATE INDEX audit_at ON audit(at_ms);"

    // Where the chain begins and ends; rows before first were pruned and are being removed.
    "CREATE TABLE audit_head("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " first INTEGER NOT NULL,"  // seq
    " count INTEGER NOT NULL,"
    " hash BLOB NOT NULL);"  // of the last row
    "INSERT INTO audit_head VALUES (1, 1, 0, zeroblob(32));"

    // Against mistakes; against intent there is the chain.
    "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN"
    " SELECT RAISE(ABORT, 'audit rows are never changed');"
    "END;"
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit"
    " WHEN old.seq >= (SELECT first FROM audit_head) BEGIN"
    " SELECT RAISE(ABORT, 'audit rows are removed by retention only');"
    "END;"

    // A merge that was asked for goes on until each level has one segment: with the usual
    // four it stops before the end while some new ones come in.
    "INSERT INTO search(search, rank) VALUES ('usermerge', 2);";

// What was learned about servers: some tens of small texts.
static const char version_3[] = "CREATE TABLE profile("
                                " key TEXT PRIMARY KEY,"
                                " value TEXT NOT NULL,"
                                " updated_at INTEGER NOT NULL) WITHOUT ROWID;";

// Sums of what backends were asked for.  The name and not a number of word: the row stays when
// the last job that names the backend is forgotten.
static const char version_4[] = "CREATE TABLE usage("
                                " day INTEGER NOT NULL,"  // local: 20261129
                                " backend TEXT NOT NULL,"
                                " requests INTEGER NOT NULL,"
                                " failed INTEGER NOT NULL,"
                                " prompt_tokens INTEGER NOT NULL,"
                                " completion_tokens INTEGER NOT NULL,"
                                " bytes_sent INTEGER NOT NULL,"
                                " cost_micros INTEGER NOT NULL,"
                                " PRIMARY KEY (day, backend)) WITHOUT ROWID;";

// What was done, by span (minute, hour, day) and when that began.
static const char version_5[] = "CREATE TABLE series("
                                " span INTEGER NOT NULL,"
                                " at_ms INTEGER NOT NULL,"
                                " answered INTEGER NOT NULL,"
                                " cached INTEGER NOT NULL,"
                                " duplicate INTEGER NOT NULL,"
                                " blocked INTEGER NOT NULL,"
                                " skipped INTEGER NOT NULL,"
                                " failed INTEGER NOT NULL,"
                                " requests INTEGER NOT NULL,"
                                " request_errors INTEGER NOT NULL,"
                                " prompt_tokens INTEGER NOT NULL,"
                                " completion_tokens INTEGER NOT NULL,"
                                " bytes_sent INTEGER NOT NULL,"
                                " cost_micros INTEGER NOT NULL,"
                                " rss_bytes INTEGER NOT NULL,"
                                " queued INTEGER NOT NULL,"
                                " latency BLOB NOT NULL,"  // packed histogram
                                " PRIMARY KEY (span, at_ms)) WITHOUT ROWID;";

// How a description came about when it was not as asked.
static const char version_6[] =
    "ALTER TABLE job ADD COLUMN tier_asked INTEGER NOT NULL DEFAULT 0;"  // word
    "ALTER TABLE job ADD COLUMN fallback TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN fallback_code INTEGER NOT NULL DEFAULT 0;";

// An address that may not be kept (address.h).  Rows from before are looked through from the
// first one on (SUM_UNSWEPT).
static const char version_7[] =
    "ALTER TABLE job ADD COLUMN label TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;"  // action + 1
    "CREATE INDEX job_label ON job(label) WHERE label <> '';"
    "INSERT INTO tally SELECT 0, -7, 1 WHERE EXISTS (SELECT 1 FROM job);";

// What was changed after a request that failed.
static const char version_8[] =
    "ALTER TABLE attempt ADD COLUMN remedy TEXT NOT NULL DEFAULT '';";

// Requests that are meant once (once.h): two hashes each.
static const char version_9[] = "CREATE TABLE once("
                                " key BLOB PRIMARY KEY,"
                                " body BLOB NOT NULL,"
                                " job INTEGER NOT NULL,"
                                " at_ms INTEGER NOT NULL) WITHOUT ROWID;"
                                "CREATE INDEX once_age ON once(at_ms);";

// The tier that whoever offered a picture asked for; '' = as the one who claims it does.
static const char version_10[] =
    "ALTER TABLE job ADD COLUMN own_tier TEXT NOT NULL DEFAULT '';";

// A million rows can not be searched for one id in the time a question has.
static const char version_11[] = "CREATE INDEX job_cid ON job(cid);";

const struct migration schema_migrations[] = {
    {version_1}, {version_2}, {version_3}, {version_4},  {version_5},  {version_6},
    {version_7}, {version_8}, {version_9}, {version_10}, {version_11},
};
const int schema_version = sizeof(schema_migrations) / sizeof(schema_migrations[0]);
