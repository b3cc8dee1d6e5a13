// A model's text as a page's. What it writes is nobody's markup but DOMPurify's leftovers of marked's.

import { Marked } from './vendor/marked.esm.js';
import DOMPurify from './vendor/purify.es.mjs';
import { el } from './elements.js';

/** Tags that a model writes are text like all it writes. */
const marked = new Marked({ gfm: true, breaks: true, renderer: { html: ({ text }) => escaped(text) } });

const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const ALLOWED = {
  ALLOWED_TAGS: ['a', 'b', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'i', 'li', 'ol', 'p', 'pre', 's', 'strong',
    'sub', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'],
  ALLOWED_ATTR: ['href', 'start', 'align'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  RETURN_DOM_FRAGMENT: true,
};

/** @param {string} text @returns {DocumentFragment} */
export function markdown(text) {
  const fragment = DOMPurify.sanitize(marked.parse(text), ALLOWED);
  for (const link of fragment.querySelectorAll('a')) {
    link.rel = 'noopener noreferrer';
    link.target = '_blank';
  }
  for (const heading of fragment.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    // The page's own headings say where things are; an answer's are only its text.
    heading.replaceWith(el('p', {}, el('strong', {}, ...heading.childNodes)));
  }
  for (const block of fragment.querySelectorAll('pre')) {
    const code = block.textContent;
    const box = el('div', { class: 'code' });
    block.replaceWith(box);
    block.tabIndex = 0;
    box.append(block, el('button', { type: 'button', onclick: () => navigator.clipboard.writeText(code) }, 'Copy'));
  }
  return fragment;
}
