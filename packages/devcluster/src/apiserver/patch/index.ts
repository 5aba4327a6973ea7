export { type DecodedPatch, decodeJsonPatch, decodeMergePatch, decodeStrategicMergePatch } from './decode.ts';
export { applyJsonPatch, type JsonPatchOperation } from './json-patch.ts';
export { applyMergePatch } from './merge-patch.ts';
export { applyStrategicMergePatch } from './strategic-merge.ts';
