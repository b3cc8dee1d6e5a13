// The conversation, kept in this browser and nowhere else.

const KEY = 'llatte.chat';

/** @typedef {{role: 'user'|'assistant', text: string, thought?: string, images?: string[], failed?: string}} Turn */

/** @returns {{turns: Turn[], settings: Record<string, string>}} */
export function readHistory() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return { turns: Array.isArray(kept.turns) ? kept.turns : [], settings: kept.settings ?? {} };
  } catch {
    return { turns: [], settings: {} };
  }
}

/** Keeps what there is room for: without the pictures, where these are too many. */
export function keepHistory(turns, settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ turns, settings }));
  } catch {
    try {
      localStorage.setItem(KEY, JSON.stringify({ turns: turns.map(({ images, ...turn }) => turn), settings }));
    } catch {
      localStorage.removeItem(KEY);
    }
  }
}
