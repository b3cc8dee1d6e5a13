// Statistics, sequences and placement.

import { el } from './elements.js';
import { bytes, number, percent, seconds } from './format.js';

/** @param {HTMLElement} box @param {object} status */
export function showStatistics(box, { statistics, queue }) {
  const rate = (pair) => (pair ? `${number(pair.p50)} / ${number(pair.p95)}` : '–');
  const rows = [
    ['Inferences', number(statistics.requests), 'requests'],
    ['Failed', number(statistics.failed), 'failed'],
    ['Tokens', number(statistics.generatedTokens), 'tokens'],
    ['Tokens/s, average', number(statistics.averageTokensPerSecond), 'rate'],
    ['Time, average', seconds(statistics.averageSeconds), 'time'],
    ['First token, p50 / p95', statistics.timeToFirstTokenSeconds
      ? `${seconds(statistics.timeToFirstTokenSeconds.p50)} / ${seconds(statistics.timeToFirstTokenSeconds.p95)}` : '–', 'ttft'],
    ['Prefill tokens/s, p50 / p95', rate(statistics.prefillTokensPerSecond), 'prefill'],
    ['Decode tokens/s, p50 / p95', rate(statistics.decodeTokensPerSecond), 'decode'],
    ['From the cache', percent(statistics.cacheHitShare), 'cache'],
    ['Running / waiting', `${queue.running} / ${queue.waiting}`, 'queue'],
  ];
  if (box.childElementCount !== rows.length) {
    box.replaceChildren(...rows.map(([title, , name]) => el('div', {}, el('dt', {}, title), el('dd', { data: { statistic: name } }))));
  }
  rows.forEach(([, value], index) => {
    box.children[index].lastChild.textContent = value;
  });
}

/** @param {HTMLElement} line @param {HTMLElement} box @param {object} status */
export function showSlots(line, box, { kv, slots }) {
  line.textContent = kv ? `${number(kv.usedTokens)} of ${number(kv.contextLength)} tokens of context are held.` : 'No model is loaded.';
  box.replaceChildren(...slots.map((slot) => {
    const fill = el('span');
    fill.style.width = `${(100 * slot.tokens) / Math.max(1, slot.contextLength)}%`;
    return el('li', { data: { state: slot.state } }, `${slot.id}: ${slot.state}, ${number(slot.tokens)}`,
      el('div', { class: 'fill' }, fill));
  }));
}

/** @param {HTMLElement} box @param {object|null} placement */
export function showPlacement(box, placement) {
  if (!placement) {
    box.replaceChildren(el('p', {}, 'No model is loaded.'));
    return;
  }
  const where = placement.devices.length > 0 ? placement.devices.join(', ') : placement.target;
  const layers = placement.layers > 0 ? `, ${placement.gpuLayers} of ${placement.layers} layers on GPUs` : '';
  const context = placement.contextLength > 0 ? `, a context of ${number(placement.contextLength)} tokens` : '';
  box.replaceChildren(el('p', {}, `On ${where}${layers}${context}; asked for ${placement.policy.toLowerCase().replace('_', ' ')}.`),
    ...placement.fallbacks.map((step) => el('p', { data: { fallback: step.to } }, el('b', {}, `${step.from} → ${step.to}: `), step.reason)));
}

/** How far a load is, in words. */
export function stageText({ stage, bytes: come, totalBytes, bytesPerSecond, progress, detail, message }) {
  const words = { downloading: 'Downloading', verifying: 'Verifying', loading: 'Loading' }[stage] ?? message ?? '';
  const size = come === null || come === undefined ? '' : ` · ${bytes(come)} of ${bytes(totalBytes)}`;
  const rate = bytesPerSecond > 0 ? ` · ${bytes(bytesPerSecond)}/s` : '';
  return `${words} · ${percent(progress)}${size}${rate}${detail ? ` · ${detail}` : ''}`;
}
