// What is asked in each block: questions with their options, and how they stand in an answer.

import { list, t } from "./texts.js";

/**
 * Questions of a block: [{name, title, options: [{value, key, label, words}]}]. `name` is the key in
 * the answer's values; `key` is the number key that gives this option.
 */
export function questionsOf(block, kind, criteria) {
  if (block === "authenticity") return [authenticity(), confidence()];
  if (block === "2afc" || (block === "practice" && kind === "2afc")) return [choice(), confidence()];
  return criteria.map((name) => scale(name, `criteria.${name}`));
}

function scale(name, place, values = 5) {
  const anchors = list(`${place}.anchors`);
  const options = Array.from({ length: values }, (_, index) => ({
    value: index + 1, key: String(index + 1), label: String(index + 1), words: anchors[index] ?? "",
  }));
  return { name, title: t(`${place}.name`), options };
}

const confidence = () => scale("confidence", "confidence", 3);

function pair(name, place, values, words = {}) {
  const options = Object.entries(values).map(([word, value], index) => ({
    value, key: String(index + 1), label: t(`${place}.${word}`), words: words[word] ?? "",
  }));
  return { name, title: t(`${place}.name`), options };
}

const authenticity = () => pair("real", "authenticity", { real: true, synthetic: false }, {
  real: t("authenticity.real_words"), synthetic: t("authenticity.synthetic_words"),
});
const choice = () => pair("choice", "choice", { left: "left", right: "right" });

/** Questions without an answer in `values`. */
export function missing(questions, values) {
  return questions.filter((question) => values[question.name] === undefined);
}

/** Whether every question is answered. */
export const isComplete = (questions, values) => missing(questions, values ?? {}).length === 0;

/** Only what an answer may hold: known questions with known options, and a remark. */
export function cleaned(questions, values) {
  const kept = {};
  for (const { name, options } of questions) {
    const option = options.find(({ value }) => value === values?.[name]);
    if (option) kept[name] = option.value;
  }
  if (values?.remark) kept.remark = String(values.remark);
  return kept;
}
