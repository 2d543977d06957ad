/** Which buttons stand under a message: only what can help with just this. */
import type { ButtonAction, ButtonWish } from './callback.ts';
import type { Message } from './message.ts';

export interface LabelledWish extends ButtonWish {
  readonly label: string;
}

/** Rows of buttons; none for what needs nobody. */
export function buttonsFor(message: Message): readonly (readonly LabelledWish[])[] {
  const { event, severity, settled, subject } = message;
  if (event === 'test' || event === 'digest' || event === 'summary') return [];
  const underWay = subject.swap !== null && !settled;
  if (severity === 'info' && !underWay) return [];
  const { pool, alert } = subject;
  const first: LabelledWish[] = [];
  if (pool !== null && !underWay && event !== 'partial_swap') first.push(button('Swap', 'swap', pool));
  if (pool !== null) first.push(button('Hold 1 h', 'hold', pool));
  first.push(button('Pause 1 h', 'pause', ''));
  return alert === null ? [first] : [first, [button('Acknowledge', 'ack', alert)]];
}

function button(label: string, action: ButtonAction, subject: string): LabelledWish {
  return { label, action, subject };
}
