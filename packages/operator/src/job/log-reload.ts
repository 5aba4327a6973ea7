/**
 * Whether a running process reads a changed logging file again by itself: log4j does when the file it started with sets a
 * `monitorInterval` of more than 0 seconds, logback when it says `scan="true"`. The interval is that of the file in use, not
 * that of the new one.
 */
export function isReloaded(name: string, text: string): boolean {
  if (name.endsWith('.xml')) return /<configuration\b[^>]*\bscan\s*=\s*["']true["']/i.test(text);
  const interval = /^[ \t]*monitorInterval[ \t]*[=:][ \t]*(\d+)[ \t]*$/m.exec(text)?.[1];
  return interval !== undefined && Number(interval) > 0;
}
