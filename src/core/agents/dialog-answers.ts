/** The dialogs that may be answered without a person, where the configuration says so: each with the one choice that is made. */
import type { DialogKind } from '../screen/finding.ts';
import type { AgentKind } from './profile.ts';

/** As `watcher.auto_answers` names them. */
export const AUTO_ANSWERS = ['trust_folder', 'permission'] as const;

export type AutoAnswer = (typeof AUTO_ANSWERS)[number];

/** What people may look for in that list, and why it is not there. */
export const NEVER_ANSWERED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    login: 'only you can log in: claude-failover accounts login',
    limit_menu: 'its choices can cost money; a swap closes it with Escape',
    usage_credits: 'it costs money',
    extra_usage: 'it costs money',
    upgrade: 'it costs money',
    foreign_session: 'whether a session is copied to another account is for you to say',
  }),
);

export interface DialogAnswer {
  readonly name: AutoAnswer;
  readonly agent: AgentKind;
  readonly kind: DialogKind;
  /** The line right above the choices; null: the choices alone tell the dialog. */
  readonly question: RegExp | null;
  /** The words of the choice that is made, exactly. */
  readonly choice: string;
  /** All other choices are among these. */
  readonly others: RegExp;
  /** The versions of the CLI on whose screens it was seen. */
  readonly seen: string;
}

/** A choice with these words is never beside one of ours. */
export const COSTLY: RegExp = /\b(?:credits?|extra usage|upgrade|buy|purchase|pay|billing|log ?in)\b/i;

export const DIALOG_ANSWERS: readonly DialogAnswer[] = [
  {
    name: 'trust_folder',
    agent: 'claude',
    kind: 'trust',
    question: null,
    choice: 'Yes, I trust this folder',
    others: /^No, exit$/,
    // 2.1.220 numbers its choices; 2.1.330 does not, and its cursor stands on the other one.
    seen: '2.1.220, 2.1.330',
  },
  {
    name: 'trust_folder',
    agent: 'claude',
    kind: 'trust',
    question: null,
    choice: 'Yes, proceed',
    others: /^No, exit$/,
    seen: '1.0.128',
  },
  {
    name: 'permission',
    agent: 'claude',
    kind: 'permission',
    question: /^Do you want to (?:proceed|make this edit to .{1,200}|create .{1,200}|overwrite .{1,200})\?$/,
    choice: 'Yes',
    others: /^(?:Yes, (?:and|allow) .+|No(?:, .+)?|Type here to tell Claude what to do differently)$/,
    seen: '1.0.128, 2.0.76, 2.1.220, 2.1.330',
  },
];
