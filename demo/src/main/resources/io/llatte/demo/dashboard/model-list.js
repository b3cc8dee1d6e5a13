// The models that can be chosen; each shows what it would take, and what would go for it, before it is.

import { el } from './elements.js';
import { bytes } from './format.js';

export class ModelList {

  #box;
  #api;
  #onChosen;
  #asking = null;
  #models = [];

  /**
   * @param {HTMLElement} box
   * @param {ReturnType<import('./llatte-api.js').createLlatteApi>} api
   * @param {(status: object) => void} onChosen is told the status when a load has begun
   */
  constructor(box, api, onChosen) {
    this.#box = box;
    this.#api = api;
    this.#onChosen = onChosen;
  }

  async refresh() {
    this.#models = await this.#api.models();
    this.#show();
  }

  #show() {
    const opened = this.#box.querySelector('details')?.open ?? false;
    const here = this.#models.filter((model) => model.present);
    const elsewhere = this.#models.filter((model) => !model.present);
    this.#box.replaceChildren(el('ul', {}, ...here.map((model) => this.#row(model))));
    if (elsewhere.length > 0) {
      this.#box.append(el('details', { open: opened || here.length === 0 }, el('summary', {}, `${elsewhere.length} more can be downloaded`),
        el('ul', {}, ...elsewhere.map((model) => this.#row(model)))));
    }
  }

  #row(model) {
    const facts = [model.parameters, model.quantization, bytes(model.sizeBytes), model.present ? null : 'not downloaded'].filter(Boolean).join(' · ');
    const row = el('li', { data: { model: model.id } },
      el('div', { class: 'model' }, el('span', { class: 'model-name' }, model.name), el('span', { class: 'model-facts' }, facts),
        model.loaded ? el('span', { class: 'tag' }, 'loaded')
          : el('button', { type: 'button', class: 'choose', onclick: () => this.#ask(model, row), 'aria-label': `Use ${model.name}` }, 'Use')));
    return row;
  }

  async #ask(model, row) {
    this.#dismiss();
    const plan = el('div', { class: 'plan', role: 'group', 'aria-label': `Plan for ${model.name}` }, el('p', {}, 'Planning …'));
    row.append(plan);
    this.#asking = plan;
    const lines = await this.#lines(model);
    const use = el('button', { type: 'button', class: 'strong confirm', onclick: () => this.#choose(model, plan) }, model.present ? 'Switch' : 'Download and switch');
    const cancel = el('button', { type: 'button', onclick: () => {
      this.#dismiss();
      row.querySelector('.choose').focus();
    } }, 'Cancel');
    plan.replaceChildren(...lines, el('div', { class: 'actions' }, use, cancel));
    plan.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        cancel.click();
      }
    });
    use.focus();
  }

  async #lines(model) {
    try {
      const plan = await this.#api.plan(model.id);
      return [
        ...plan.devices.map((device) => el('p', { class: device.fits ? '' : 'near', data: { planned: device.device } },
          `${device.device}: ${bytes(device.totalBytes)} of ${bytes(device.availableBytes)} (weights ${bytes(device.weightsBytes)}, `
          + `KV cache ${bytes(device.kvCacheBytes)}, compute ${bytes(device.computeBytes)})`)),
        el('p', { class: 'evicts' }, plan.evicts ? `${plan.evicts.model} goes first and gives back ${bytes(plan.evicts.bytes)}.` : 'Nothing has to go for it.'),
        plan.fits ? null : el('p', { class: 'near' }, 'It does not fit now; loading it may fail.'),
      ].filter(Boolean);
    } catch (failure) {
      if (failure.code === 'model_not_downloaded') {
        return [el('p', {}, `${bytes(failure.details.downloadBytes)} are downloaded first, while the loaded model answers on. What it takes is planned then.`)];
      }
      return [el('p', { class: 'near' }, [failure.message, failure.remediation].filter(Boolean).join(' '))];
    }
  }

  async #choose(model, plan) {
    try {
      this.#onChosen(await this.#api.switchTo(model.id));
      this.#dismiss();
    } catch (failure) {
      plan.prepend(el('p', { class: 'near', role: 'alert' }, [failure.message, failure.remediation].filter(Boolean).join(' ')));
    }
  }

  #dismiss() {
    this.#asking?.remove();
    this.#asking = null;
  }
}
