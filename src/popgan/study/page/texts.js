// The words of the page, from the study's texts.yaml: looked up by a dotted name.

let words = {};
let plural = new Intl.PluralRules("en");

/** Take over the texts of a study and tell the browser their language. */
export function useTexts(texts) {
  words = texts ?? {};
  document.documentElement.lang = words.language ?? "en";
  document.documentElement.dir = words.direction === "rtl" ? "rtl" : "ltr";
  try {
    plural = new Intl.PluralRules(document.documentElement.lang);
  } catch {
    plural = new Intl.PluralRules("en");
  }
}

function find(name) {
  return name.split(".").reduce((part, key) => part?.[key], words);
}

/** The words called `name`; {placeholders} are filled from `values`, plurals chosen by `count`. */
export function t(name, values = {}) {
  let text = find(name);
  if (text && typeof text === "object" && !Array.isArray(text)) {
    text = text[plural.select(Number(values.count ?? 0))] ?? text.other;
  }
  if (text === undefined || text === null) return name;
  return String(text).replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

/** A list of words, such as the anchors of a criterion. */
export function list(name) {
  const found = find(name);
  return Array.isArray(found) ? found.map(String) : [];
}

/** A number in the page's language. */
export function number(value, digits = 0) {
  return value.toLocaleString(document.documentElement.lang, {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}
