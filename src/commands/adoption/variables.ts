/** Variables in the `env` block of a settings.json, set and taken out without touching the rest of its text. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { replaceFile } from '../../adapters/replace-file.ts';
import { errorCode } from '../../core/error-code.ts';
import { LinkError } from '../../core/errors.ts';
import { nodeAt, parseJson, removeJson, setJson, textAt } from '../../core/settings/json.ts';
import type { SettingsVariables } from '../../ports/adoption.ts';

const MAX_BYTES = 1024 * 1024;

export const settingsVariables: SettingsVariables = {
  async read(file, name) {
    const found = readSettings(file);
    return found === null ? null : textAt(parseJson(found.text), ['env', name]);
  },
  async write(file, name, value) {
    const found = readSettings(file);
    const text = found?.text ?? '{}\n';
    const edited = value === null ? without(text, name) : setJson(text, ['env', name], value);
    try {
      if (edited !== found?.text) replaceFile(found?.path ?? file, edited, found?.before ?? null);
    } catch (error) {
      throw new LinkError(
        'settings',
        `${file} was left as it is: ${error instanceof Error ? error.message : 'unknown error'}`,
        {
          cause: error,
        },
      );
    }
  },
};

/** An `env` block that held nothing else goes too. */
function without(text: string, name: string): string {
  const edited = removeJson(text, ['env', name]);
  const block = nodeAt(parseJson(edited), ['env']);
  return block?.kind === 'object' && block.entries.length === 0 ? removeJson(edited, ['env']) : edited;
}

/** Null: there is no such file. @throws {LinkError} it cannot be read, or is no JSON object; its text is not quoted */
function readSettings(file: string) {
  try {
    const path = realpathSync(file);
    const before = statSync(path);
    if (before.size > MAX_BYTES) throw new Error('it is too large');
    const text = readFileSync(path, 'utf8');
    const root = parseJson(text);
    const block = nodeAt(root, ['env']);
    if (root.kind !== 'object' || (block !== null && block.kind !== 'object')) throw new SyntaxError();
    return { path, before, text };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    const why =
      error instanceof SyntaxError ? 'it is no settings file in JSON' : error instanceof Error ? error.message : '';
    throw new LinkError('settings', `${file} cannot be used: ${why}`, {
      hint: 'mend it, then run the same command again',
    });
  }
}
