import type { Condition } from '@drey/api';
import type { ConfigurationWarning } from '@drey/flink';
import type { ConditionDraft } from './conditions.ts';
import type { PlannedEvent } from './planned.ts';

/** Type of the condition that tells of configuration which does not do what it looks like. */
export const CONFIGURATION_WARNING = 'ConfigurationWarning';

/** Warnings that are spelt out; a configuration with more of them is not for this version at all. */
const MOST_TOLD = 5;

/** The condition about the warnings of a configuration; none when there is nothing to say. */
export function configurationWarningDrafts(warnings: readonly ConfigurationWarning[]): ConditionDraft[] {
  if (warnings.length === 0) return [];
  const told = warnings.slice(0, MOST_TOLD).map(({ message }) => message);
  const rest = warnings.length - told.length;
  const message = [...told, ...(rest > 0 ? [`There are ${rest} more.`] : [])].join(' ');
  const unknown = warnings.some(({ kind }) => kind === 'unknown' || kind === 'misspelt');
  const reason = unknown ? 'UnknownOption' : 'OptionWithoutEffect';
  const misread = warnings.every(({ kind }) => kind === 'value');
  return [{ type: CONFIGURATION_WARNING, status: 'True', reason: misread ? 'InvalidValue' : reason, message }];
}

/** An event when the condition says something that it did not say before. */
export function configurationWarningEvents(
  drafts: readonly ConditionDraft[],
  recorded: readonly Condition[],
): PlannedEvent[] {
  const before = recorded.find(({ type }) => type === CONFIGURATION_WARNING)?.message;
  return drafts.flatMap(({ message }): PlannedEvent[] =>
    message === before
      ? []
      : [
          {
            type: 'Warning',
            reason: CONFIGURATION_WARNING,
            message,
            component: 'Operator',
            key: CONFIGURATION_WARNING,
          },
        ],
  );
}
