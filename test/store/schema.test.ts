import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openFor } from './support/open.ts';
import { tempDir } from './support/temp-dir.ts';

const STORE = join(import.meta.dirname, '../../src/store');

describe('[R133] [R134] the schema', () => {
  test('only the quota table can say that an account is exhausted', async () => {
    const { path } = await openFor(tempDir());
    const db = new Database(path, { readonly: true });
    const columns = db
      .prepare<[], string>(
        `select t.name || '.' || c.name from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'`,
      )
      .pluck()
      .all();
    const checks = db.prepare<[], string>(`select sql from sqlite_schema where name = 'accounts'`).pluck().get();
    db.close();
    const suspicious = columns.filter((name) => /limit|lock_?(ed_)?until|exhaust|cooldown/.test(name));
    expect(suspicious).toEqual(['quota.limit_reached', 'quota.lock_until']);
    expect(columns).toContain('accounts.status');
    expect(checks).toMatch(/status in \('active', 'expired', 'refreshing', 'disabled', 'banned'\)/);
    expect(checks).not.toMatch(/limit/);
  });

  test('[R208] every instant is a number, and no cell is a boolean or a date', () => {
    const schema = readFileSync(join(STORE, 'schema.ts'), 'utf8');
    const cells = [...schema.matchAll(/^ {2}(\w+): ([^;]+);/gm)].filter(([, , type]) => !/^[A-Z]/.test(type ?? ''));
    expect(cells.length).toBeGreaterThan(80);
    for (const [, name = '', type = ''] of cells) {
      expect(type).toMatch(/^(string|number)( \| null)?$/);
      if (/_(at|since|until)$/.test(name)) expect(`${name}: ${type}`).toMatch(/: number/);
    }
  });

  test('[R188] the tables of the pool use only types and words that PostgreSQL has too', () => {
    for (const name of readdirSync(join(STORE, 'migrations')).filter((file) => /^\d/.test(file))) {
      const pool = /pool: `([^`]*)`/.exec(readFileSync(join(STORE, 'migrations', name), 'utf8'))?.[1] ?? '';
      expect(pool.toLowerCase()).not.toMatch(/strict|autoincrement|rowid|datetime|pragma|blob|real\b/);
    }
    for (const name of ['pool.ts', 'accounts.ts', 'quota.ts', 'leases.ts']) {
      expect(readFileSync(join(STORE, name), 'utf8')).not.toMatch(/sql`|better-sqlite3|CompiledQuery|rowid/);
    }
  });
});
