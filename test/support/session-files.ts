/** Lays out a configuration directory with a registry entry and transcripts, as Claude Code does, for one made-up process. */
import { appendFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentProcess } from '../../src/core/panes.ts';

export const SESSION = '2d7830eb-43b6-4845-890c-cf82e3287a4c';
export const OTHER_SESSION = '875204c2-5a58-46d7-9d78-4216cb358c48';
export const CWD = '/home/me/a project';

/** A captured file of a real CLI. */
export function captured(name: string): string {
  return readFileSync(new URL(`../screens/signals/${name}`, import.meta.url), 'utf8');
}

export function agentProcess(configDir: string, changes: Partial<AgentProcess> = {}): AgentProcess {
  return {
    agent: 'claude',
    pid: 16_452,
    startTicks: '76884',
    startedAt: Date.parse('2026-11-20T09:34:00Z'),
    argv: ['claude'],
    cwd: CWD,
    configDir,
    configDirIsSet: true,
    overriding: [],
    foreground: true,
    ...changes,
  };
}

export function transcriptPath(configDir: string, sessionId = SESSION, project = '-home-me-a-project'): string {
  const path = join(configDir, 'projects', project, `${sessionId}.jsonl`);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

export function writeEntry(configDir: string, pid: number, content: string | Readonly<Record<string, unknown>>): void {
  mkdirSync(join(configDir, 'sessions'), { recursive: true });
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(configDir, 'sessions', `${pid}.json`), text);
}

export function setMtime(path: string, iso: string): void {
  utimesSync(path, Date.parse(iso) / 1000, Date.parse(iso) / 1000);
}

type Fields = Readonly<Record<string, unknown>>;

/** One row of a transcript, with its newline. `second` is the second of 09:35 at which it was written. */
export function row(type: 'assistant' | 'user', second: number, text: string, changes: Fields = {}): string {
  const timestamp = new Date(Date.parse('2026-11-20T09:35:00Z') + second * 1000).toISOString();
  const message = { role: type, content: [{ type: 'text', text }] };
  const uuid = `row-${type}-${second}`;
  return `${JSON.stringify({ type, isSidechain: false, uuid, timestamp, version: '2.1.328', message, ...changes })}\n`;
}

export function rejection(second: number): string {
  const quotaLimits = { status: 'rejected', resetsAt: 1_795_178_067, rateLimitType: 'five_hour' };
  return row('assistant', second, "You've hit your limit", {
    isApiErrorMessage: true,
    error: 'rate_limit',
    quotaLimits,
  });
}

export function append(path: string, text: string | Buffer): void {
  appendFileSync(path, text);
}
