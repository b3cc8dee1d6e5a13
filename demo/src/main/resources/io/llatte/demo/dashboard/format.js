// Numbers as people read them.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** @param {number|null|undefined} bytes */
export function bytes(bytes) {
  if (bytes === null || bytes === undefined) {
    return '–';
  }
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(2) : value < 100 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** @param {number|null|undefined} value with at most so many digits after the point */
export function number(value, digits = 1) {
  return value === null || value === undefined ? '–' : value.toLocaleString('en', { maximumFractionDigits: digits });
}

/** @param {number|null|undefined} share from 0 to 1 */
export function percent(share) {
  return share === null || share === undefined ? '–' : `${Math.round(share * 100)}%`;
}

/** @param {number|null|undefined} value */
export function seconds(value) {
  if (value === null || value === undefined) {
    return '–';
  }
  return value < 1 ? `${Math.round(value * 1000)} ms` : value < 100 ? `${value.toFixed(1)} s` : `${Math.round(value / 60)} min`;
}

/** @param {number} millis a moment */
export function clock(millis) {
  return new Date(millis).toLocaleTimeString('en-GB');
}
