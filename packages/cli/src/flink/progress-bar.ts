import type { InstallProgress } from '@drey/flink';

const WIDTH = 30;

/** Shows an installation's progress: one line that is redrawn on a terminal, plain lines elsewhere. */
export function progressBar(stream: NodeJS.WriteStream): { report(progress: InstallProgress): void; end(): void } {
  let drawn = false;
  let lastTenth = '';
  const clear = (): void => {
    if (drawn) stream.write('\r\u001b[2K');
    drawn = false;
  };
  const report = (progress: InstallProgress): void => {
    if (progress.kind !== 'bytes') {
      clear();
      stream.write(`${progress.kind === 'warning' ? 'warning: ' : ''}${progress.text}\n`);
      return;
    }
    const line = drawLine(progress);
    if (stream.isTTY) {
      stream.write(`\r\u001b[2K${line}`);
      drawn = true;
      return;
    }
    const tenth = `${progress.text} ${progress.total === undefined ? '' : Math.floor((10 * progress.done) / progress.total)}`;
    if (tenth === lastTenth) return;
    lastTenth = tenth;
    stream.write(`${line}\n`);
  };
  return { report, end: clear };
}

/** One line: what, a bar, and megabytes. */
export function drawLine(progress: Extract<InstallProgress, { kind: 'bytes' }>): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  if (progress.total === undefined || progress.total === 0) return `${progress.text} ${megabytes(progress.done)} MB`;
  const share = Math.min(1, progress.done / progress.total);
  const filled = Math.round(share * WIDTH);
  const bar = `${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}`;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${progress.text} [${bar}] ${percent}% of ${megabytes(progress.total)} MB`;
}
