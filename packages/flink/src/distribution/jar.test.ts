import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { jarEntryNames, jarEntryText, withMainClass } from './jar.ts';

const EMPTY_JAR = Buffer.concat([Buffer.from([0x50, 0x4b, 0x05, 0x06]), Buffer.alloc(18)]);

test('a jar gets a manifest with a main class in front of its entries', () => {
  const made = withMainClass(EMPTY_JAR, 'org.example.Main');
  expect(jarEntryNames(made)).toEqual(['META-INF/MANIFEST.MF']);
  expect(jarEntryText(made, 'META-INF/MANIFEST.MF')).toContain('Main-Class: org.example.Main\r\n');
});

test('a manifest that is there is replaced', () => {
  const made = withMainClass(withMainClass(EMPTY_JAR, 'a.B'), 'c.D');
  expect(jarEntryNames(made)).toEqual(['META-INF/MANIFEST.MF']);
  expect(jarEntryText(made, 'META-INF/MANIFEST.MF')).toContain('c.D');
});

test('text that is no jar is refused', () => {
  expect(() => withMainClass(deflateRawSync('no jar'), 'a.B')).toThrow(/not a jar/);
});
