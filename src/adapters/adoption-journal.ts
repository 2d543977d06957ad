/** The records of adoptions: `<state_dir>/adoptions/<pool>.json`, each replaced in one step. */

import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdoptionRecord, AdoptionStep } from '../core/adoption/step.ts';
import { errorCode } from '../core/error-code.ts';
import { LinkError } from '../core/errors.ts';
import { asObject, parseObject } from '../core/json.ts';
import type { AdoptionJournal } from '../ports/adoption.ts';

export function createAdoptionJournal(stateDir: string): AdoptionJournal {
  const folder = join(stateDir, 'adoptions');
  const pathOf = (pool: string): string => join(folder, `${pool}.json`);

  return {
    async read(pool) {
      const path = pathOf(pool);
      try {
        const record = recordOf(parseObject(await readFile(path, 'utf8')), pool);
        if (record !== null) return record;
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return null;
        throw new LinkError('adoption_record', `${path} cannot be read: ${errorCode(error)}`, { cause: error });
      }
      throw new LinkError('adoption_record', `${path} cannot be understood`, {
        hint: 'it says what was moved where: look at it, mend it or move it aside, then run the command again',
      });
    },
    async write(record) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = pathOf(record.pool);
      const draft = `${path}.tmp`;
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
      await sync(folder);
    },
    async remove(pool) {
      await rm(pathOf(pool), { force: true });
      await sync(folder);
    },
  };
}

async function sync(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Null: it is no record of this version. */
function recordOf(value: Readonly<Record<string, unknown>> | null, pool: string): AdoptionRecord | null {
  if (value === null || value.version !== 1 || value.pool !== pool) return null;
  const { steps, locks, done, direction, isComplete, identity } = value;
  const texts = [value.agent, value.account, value.home, value.link].every((text) => typeof text === 'string');
  if (!texts || !Array.isArray(steps) || !steps.every(isStep) || !Array.isArray(locks)) return null;
  const isCount = typeof done === 'number' && Number.isInteger(done) && done >= 0 && done <= steps.length;
  if (!isCount || typeof isComplete !== 'boolean' || typeof value.startedAt !== 'number') return null;
  if ((direction !== 'adopt' && direction !== 'undo') || (identity !== null && typeof identity !== 'string'))
    return null;
  if (value.mends !== undefined && recordOf(asObject(value.mends), pool) === null) return null;
  return value as unknown as AdoptionRecord;
}

const KEYS: Readonly<Record<AdoptionStep['kind'], readonly string[]>> = {
  make_directory: ['path'],
  move: ['from', 'to'],
  link: ['path', 'target'],
  set_variable: ['file', 'name', 'value'],
};

function isStep(value: unknown): value is AdoptionStep {
  const step = asObject(value);
  const keys = step === null ? undefined : Object.entries(KEYS).find(([kind]) => kind === step.kind)?.[1];
  return keys?.every((key) => typeof step?.[key] === 'string') === true;
}
