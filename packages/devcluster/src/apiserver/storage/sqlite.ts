import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AnyObject } from '@drey/kube';
import { StoreError, storeError } from './errors.ts';
import type { Backend, StoredRecord } from './types.ts';

/** Raised when the tables change shape. */
const SCHEMA_VERSION = 1;

const SETUP = `
  CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

export interface SqliteLimits {
  /** The file never grows beyond so many pages of 4 KiB; further writes are E_STORE_FULL. Default: the disk is the limit. */
  readonly maxPages?: number;
}

/**
 * The durable copy in one SQLite file (write-ahead log, mode 0600, since it holds Secrets).
 *
 * Guarantees: each write is one transaction, and survives the death of this process at any moment. A second instance on
 * the same file gets E_STORE_LOCKED; the lock ends with the process. A full disk is E_STORE_FULL and changes nothing.
 */
export function openSqliteBackend(path: string, limits: SqliteLimits = {}): Backend {
  return guarded(path, () => {
    makeFolder(dirname(path));
    const db = new DatabaseSync(path);
    try {
      prepare(db, path);
      if (limits.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${Math.trunc(limits.maxPages)}`);
      return new SqliteBackend(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** As `mkdir -p`. Node's own recursive form never ends where a folder refuses new ones with ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function prepare(db: DatabaseSync, path: string): void {
  chmodSync(path, 0o600);
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  // Takes the lock now rather than at the first write.
  db.exec('BEGIN EXCLUSIVE');
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (version > SCHEMA_VERSION) {
    throw new StoreError('E_STORE_VERSION', `${path} was written by a newer version of Drey`);
  }
  db.exec(`${SETUP} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

class SqliteBackend implements Backend {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #put;
  readonly #remove;
  readonly #count;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#put = db.prepare(
      'INSERT INTO objects VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision, json = excluded.json',
    );
    this.#remove = db.prepare('DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?');
    this.#count = db.prepare(
      "INSERT INTO counters VALUES ('revision', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    );
  }

  load(): { revision: number; records: StoredRecord[] } {
    return guarded(this.#path, () => {
      const counter = this.#db.prepare("SELECT value FROM counters WHERE name = 'revision'").get();
      let revision = Number(counter?.value ?? 0);
      const records: StoredRecord[] = [];
      for (const row of this.#db.prepare('SELECT * FROM objects ORDER BY kind, namespace, name').iterate()) {
        const record = toRecord(row, this.#path);
        revision = Math.max(revision, record.revision);
        records.push(record);
      }
      return { revision, records };
    });
  }

  put(record: StoredRecord): void {
    guarded(this.#path, () => {
      this.#put.run(record.key, record.namespace, record.name, record.revision, JSON.stringify(record.object));
    });
  }

  remove(record: StoredRecord): void {
    guarded(this.#path, () => {
      this.#db.exec('BEGIN');
      try {
        this.#remove.run(record.key, record.namespace, record.name);
        this.#count.run(record.revision);
        this.#db.exec('COMMIT');
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

function toRecord(row: Record<string, unknown>, path: string): StoredRecord {
  const { kind, namespace, name, revision, json } = row;
  try {
    return {
      key: String(kind),
      namespace: String(namespace),
      name: String(name),
      revision: Number(revision),
      object: JSON.parse(String(json)) as AnyObject,
    };
  } catch (error) {
    throw new StoreError(
      'E_STORE_CORRUPT',
      `The record of ${String(kind)} ${String(namespace)}/${String(name)} in ${path} cannot be read`,
      error,
    );
  }
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw storeError(error, path);
  }
}
