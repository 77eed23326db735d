//! What only this driver can meet: damaged files, full disks, other processes, copies.

use std::os::unix::fs::PermissionsExt as _;

use stockade_domain::Micros;
use tempfile::TempDir;

use super::*;
use crate::migrate::migrate;

const NOW: Micros = Micros::from_i64(1_795_176_000_000_000);

fn fresh() -> (TempDir, SqliteDb) {
    let dir = TempDir::new().unwrap();
    let db = SqliteDb::open(&dir.path().join("store.db")).unwrap();
    migrate(&db, NOW).unwrap();
    (dir, db)
}

fn set(db: &SqliteDb, name: &str, value: &str) -> Result<u64, StoreError> {
    db.execute("INSERT INTO settings (name, value) VALUES ($1, $2)", &[name.into(), value.into()])
}

fn settings(db: &SqliteDb) -> usize {
    db.query("SELECT name FROM settings", &[]).unwrap().len()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn commits_are_durable_and_files_private() {
    let (dir, db) = fresh();
    set(&db, "a", "b").unwrap();
    let writer = db.writer.lock();
    let pragma = |name: &str| writer.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((pragma("synchronous"), pragma("foreign_keys"), pragma("trusted_schema")), (2, 1, 0));
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        assert_eq!(mode(&dir.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_readable_file_is_closed_to_others() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("store.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    drop(SqliteDb::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("store.db");
    std::fs::write(
        &path,
        "this is not a database, but it is longer than a header of one hundred bytes".repeat(9),
    )
    .unwrap();
    assert_eq!(SqliteDb::open(&path).err().unwrap().code(), "store_corrupt");

    let other = dir.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert_eq!(SqliteDb::open(&other).err().unwrap().code(), "store_foreign");

    assert_eq!(SqliteDb::open(&dir.path().join("no/such/dir")).err().unwrap().code(), "store_io");
}

#[test]
fn a_damaged_page_is_found() {
    let (dir, db) = fresh();
    for n in 0..200 {
        set(&db, &format!("name-{n:04}"), &"x".repeat(100)).unwrap();
    }
    assert!(db.check().unwrap().is_empty());
    let path = dir.path().join("store.db");
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 4096;
    bytes[at..at + 64].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let db = SqliteDb::open(&path).unwrap();
    let told = db.check();
    assert!(!matches!(&told, Ok(lines) if lines.is_empty()), "{told:?}");
    assert!(db.backup(&dir.path().join("copy.db")).is_err());
    assert!(!dir.path().join("copy.db").exists() && !dir.path().join("copy.db.partial").exists());
}

#[test]
fn a_full_disk_is_told_and_nothing_half_done_remains() {
    let (_dir, db) = fresh();
    set(&db, "before", "x").unwrap();
    let pages: i64 = db.writer.lock().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    db.writer.lock().pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let error = db.transaction(&mut |tx| {
        for n in 0..500 {
            let params = [format!("n{n}").as_str().into(), "y".repeat(500).as_str().into()];
            tx.execute("INSERT INTO settings (name, value) VALUES ($1, $2)", &params)?;
        }
        Ok(())
    });
    assert_eq!(error.unwrap_err().code(), "store_disk_full");
    assert_eq!(settings(&db), 1);
    db.writer.lock().pragma_update_and_check(None, "max_page_count", 1 << 20, |_| Ok(())).unwrap();
    set(&db, "after", "x").unwrap();
    assert_eq!(settings(&db), 2);
}

#[test]
fn a_locked_database_is_told_and_readers_go_on() {
    let (dir, db) = fresh();
    let other = SqliteDb::open(&dir.path().join("store.db")).unwrap();
    db.writer.lock().busy_timeout(Duration::from_millis(20)).unwrap();
    other.writer.lock().execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(set(&db, "a", "b").unwrap_err().code(), "store_locked");
    assert_eq!(settings(&db), 0);
    other.writer.lock().execute_batch("ROLLBACK").unwrap();
    set(&db, "a", "b").unwrap();
}

#[test]
fn transactions_of_two_processes_wait_for_each_other() {
    let (dir, db) = fresh();
    set(&db, "counter", "0").unwrap();
    let other = SqliteDb::open(&dir.path().join("store.db")).unwrap();
    let count = |db: &SqliteDb| {
        for _ in 0..50 {
            // Reads first: what it read must still hold when it writes.
            db.transaction(&mut |tx| {
                let rows = tx.query("SELECT value FROM settings WHERE name = 'counter'", &[])?;
                let next = rows[0].text(0)?.parse::<u32>().unwrap() + 1;
                let sql = "UPDATE settings SET value = $1 WHERE name = 'counter'";
                tx.execute(sql, &[next.to_string().as_str().into()]).map(drop)
            })
            .unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| count(&db));
        scope.spawn(|| count(&other));
    });
    let rows = db.query("SELECT value FROM settings WHERE name = 'counter'", &[]).unwrap();
    assert_eq!(rows[0].text(0).unwrap(), "100");
}

#[test]
fn what_a_crash_left_in_the_log_is_kept_with_the_old_database() {
    let (dir, db) = fresh();
    let copy = dir.path().join("copy.db");
    db.backup(&copy).unwrap();
    set(&db, "late", "x").unwrap();
    // As a crash leaves it: the last row is in the write-ahead log only.
    let path = dir.path().join("crashed.db");
    std::fs::copy(dir.path().join("store.db"), &path).unwrap();
    std::fs::copy(with_wal(&dir.path().join("store.db")), with_wal(&path)).unwrap();
    let kept = SqliteDb::restore(&copy, &path).unwrap().kept.unwrap();
    assert_eq!(settings(&SqliteDb::open(&path).unwrap()), 0);
    assert_eq!(settings(&SqliteDb::open(&kept).unwrap()), 1);
}

#[test]
fn reading_connections_cannot_write() {
    let (_dir, db) = fresh();
    assert!(db.query("DELETE FROM settings RETURNING name", &[]).is_err());
}

#[test]
fn a_panic_rolls_back_and_leaves_the_database_usable() {
    let (_dir, db) = fresh();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.transaction(&mut |tx| {
            tx.execute("INSERT INTO settings (name, value) VALUES ('a', 'b')", &[])?;
            panic!("on purpose")
        })
    }));
    assert!(result.is_err());
    assert_eq!(settings(&db), 0);
    set(&db, "a", "b").unwrap();
}

#[test]
fn a_backup_taken_under_writes_is_one_moment_and_stands_alone() {
    let (dir, db) = fresh();
    let copies: Vec<PathBuf> = (0..5).map(|n| dir.path().join(format!("copy-{n}.db"))).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..300 {
                // Two rows that belong together.
                db.transaction(&mut |tx| {
                    for side in ["left", "right"] {
                        let name = format!("{n}-{side}");
                        let params = [name.as_str().into(), side.into()];
                        tx.execute("INSERT INTO settings (name, value) VALUES ($1, $2)", &params)?;
                    }
                    Ok(())
                })
                .unwrap();
            }
        });
        for copy in &copies {
            db.backup(copy).unwrap();
        }
    });
    for copy in &copies {
        assert_eq!(mode(copy), 0o600);
        assert!(!with_wal(copy).exists());
        let copied = SqliteDb::open(copy).unwrap();
        assert!(copied.check().unwrap().is_empty());
        assert_eq!(settings(&copied) % 2, 0);
    }
    assert_eq!(db.backup(&copies[0]).unwrap_err().code(), "store_exists");
}

#[test]
fn restore_brings_back_the_moment_and_keeps_what_was_there() {
    let (dir, db) = fresh();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    set(&db, "kept", "x").unwrap();
    db.backup(&copy).unwrap();
    set(&db, "later", "x").unwrap();
    drop(db);
    let outcome = SqliteDb::restore(&copy, &path).unwrap();
    assert_eq!(outcome.version, newest_version());
    assert_eq!(settings(&SqliteDb::open(&path).unwrap()), 1);
    assert_eq!(settings(&SqliteDb::open(&outcome.kept.unwrap()).unwrap()), 2);
    assert_eq!(SqliteDb::restore(&copy, &path).unwrap_err().code(), "store_exists");
    assert!(SqliteDb::restore(&copy, &dir.path().join("new.db")).unwrap().kept.is_none());
}

#[test]
fn restore_refuses_what_is_no_sound_backup_and_leaves_everything() {
    let (dir, db) = fresh();
    let path = dir.path().join("store.db");
    set(&db, "kept", "x").unwrap();
    db.backup(&dir.path().join("newer.db")).unwrap();
    drop(db);
    let newer = SqliteDb::open(&dir.path().join("newer.db")).unwrap();
    newer.execute("INSERT INTO schema_version (version, applied) VALUES (999, 0)", &[]).unwrap();
    drop(newer);
    std::fs::write(dir.path().join("text.db"), "no database".repeat(100)).unwrap();
    Connection::open(dir.path().join("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let trap = dir.path().join("trap.db");
    SqliteDb::open(&path).unwrap().backup(&trap).unwrap();
    let trigger = "CREATE TRIGGER t AFTER INSERT ON api_keys BEGIN UPDATE api_keys SET revoked = NULL; END";
    Connection::open(&trap).unwrap().execute_batch(trigger).unwrap();
    for (name, code) in [
        ("trap.db", "store_foreign"),
        ("newer.db", "store_newer"),
        ("text.db", "store_corrupt"),
        ("other.db", "store_foreign"),
        ("absent.db", "store_io"),
    ] {
        assert_eq!(SqliteDb::restore(&dir.path().join(name), &path).unwrap_err().code(), code, "{name}");
    }
    assert_eq!(settings(&SqliteDb::open(&path).unwrap()), 1);
    assert!(!dir.path().join("store.db.before-restore").exists());
}

#[test]
fn a_damaged_database_can_be_replaced() {
    let (dir, db) = fresh();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    set(&db, "kept", "x").unwrap();
    db.backup(&copy).unwrap();
    drop(db);
    std::fs::write(&path, "no database any more".repeat(100)).unwrap();
    let kept = SqliteDb::restore(&copy, &path).unwrap().kept.unwrap();
    assert!(kept.exists() && !with_wal(&path).exists());
    assert_eq!(settings(&SqliteDb::open(&path).unwrap()), 1);
}

fn with_wal(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

fn newest_version() -> i64 {
    crate::migrate::newest()
}
