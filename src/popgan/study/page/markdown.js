// A small, safe subset of Markdown: headings, paragraphs, lists, bold, italic, code; links as text.
// Everything ends up in text nodes; what is not understood stays as it is written.

import { el } from "./dom.js";

const INLINE = /(\*\*(?<bold>[^*]+)\*\*)|(\*(?<italic>[^*\s][^*]*)\*)|(\b_(?<under>[^_\s][^_]*)_\b)|(`(?<code>[^`]+)`)|(\[(?<label>[^\]]+)\]\((?<target>[^)\s]+)\))/;

function inline(text) {
  const parts = [];
  let rest = text;
  while (rest) {
    const match = INLINE.exec(rest);
    if (!match) break;
    if (match.index) parts.push(rest.slice(0, match.index));
    const found = match.groups;
    if (found.bold) parts.push(el("strong", {}, ...inline(found.bold)));
    else if (found.italic || found.under) parts.push(el("em", {}, ...inline(found.italic ?? found.under)));
    else if (found.code) parts.push(el("code", {}, found.code));
    else parts.push(`${found.label} (${found.target})`);
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest) parts.push(rest);
  return parts;
}

function heading(line) {
  const match = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
  // The page has its own h1; those of the text come below it.
  return match && el(`h${Math.min(match[1].length + 1, 6)}`, {}, ...inline(match[2]));
}

const ITEM = /^\s{0,3}(?:[-*+]|(\d{1,3})[.)])\s+(.*)$/;

function listOf(lines) {
  const items = [];
  for (const line of lines) {
    const match = ITEM.exec(line);
    if (match) items.push(match[2]);
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  const ordered = ITEM.exec(lines[0])[1] !== undefined;
  return el(ordered ? "ol" : "ul", {}, ...items.map((item) => el("li", {}, ...inline(item))));
}

/** Elements for a Markdown text. */
export function render(source) {
  const nodes = [];
  let lines = [];
  const flush = () => {
    if (!lines.length) return;
    nodes.push(ITEM.test(lines[0]) ? listOf(lines) : el("p", {}, ...inline(lines.join(" "))));
    lines = [];
  };
  for (const raw of String(source ?? "").replace(/\r\n?/g, "\n").split("\n")) {
    const line = raw.trimEnd();
    const title = heading(line);
    if (title || !line.trim()) {
      flush();
      if (title) nodes.push(title);
    } else {
      if (ITEM.test(line) && lines.length && !ITEM.test(lines[0])) flush();
      lines.push(line);
    }
  }
  flush();
  return nodes;
}
