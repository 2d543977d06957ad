/** Reads a small JSON file that another program may be writing, replacing or removing at this moment. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errorCode } from '../../core/error-code.ts';
import { type JsonObject, parseObject } from '../../core/json.ts';
import type { NoFileReason } from './jsonl-tail.ts';

export type SmallJson =
  | { readonly kind: 'read'; readonly value: JsonObject; readonly stats: Stats }
  | { readonly kind: 'none'; readonly reason: NoFileReason | 'too_long' | 'bad_json' };

/**
 * Never throws, never waits for a writer, never reads more than `maxBytes`.
 *
 * @param ownUid the only owner whose file is read, and never through a link; null: any, also through a link
 */
export async function readSmallJson(path: string, maxBytes: number, ownUid: number | null): Promise<SmallJson> {
  let file: FileHandle | null = null;
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | (ownUid === null ? 0 : constants.O_NOFOLLOW);
    file = await open(path, flags);
    const stats = await file.stat();
    if (!stats.isFile()) return none('not_a_file');
    if (ownUid !== null && stats.uid !== ownUid) return none('foreign_owner');
    if (stats.size > maxBytes) return none('too_long');
    const value = parseObject(await file.readFile('utf8'));
    return value === null ? none('bad_json') : { kind: 'read', value, stats };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return none('missing');
    return none(code === 'ELOOP' ? 'link' : 'unreadable');
  } finally {
    await file?.close().catch(() => {});
  }
}

function none(reason: (SmallJson & { kind: 'none' })['reason']): SmallJson {
  return { kind: 'none', reason };
}
