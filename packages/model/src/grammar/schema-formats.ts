// String formats as patterns of exactly the texts that are generated: each is a subset of what
// its standard allows, wide enough for use, and never more.

const twoDigitsTo23 = '([01] [0-9] | "2" [0-3])';
const twoDigitsTo59 = "[0-5] [0-9]";

// Leap years: the last two digits a multiple of four and not 00, or the first two are and 00.
const fours = '("0" [48] | [2468] [048] | [13579] [26])';
const leapYear = `([0-9] [0-9] ${fours} | ("00" | ${fours}) "00")`;
const date = [
  '([0-9]{4} "-" (',
  '("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) | ',
  '("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | ',
  '"02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])) | ',
  `${leapYear} "-02-29")`,
].join("");
const time = [
  `${twoDigitsTo23} ":" ${twoDigitsTo59} ":" ${twoDigitsTo59} ("." [0-9]{1,9})? `,
  `("Z" | [-+] ${twoDigitsTo23} ":" ${twoDigitsTo59})`,
].join("");
const byte = '([0-9] | [1-9] [0-9] | "1" [0-9] [0-9] | "2" ([0-4] [0-9] | "5" [0-5]))';
const label = "[a-z0-9] ([-]? [a-z0-9]){0,30}";
const hostname = `${label} ("." ${label}){0,7}`;
const email = `[a-zA-Z0-9] ([-._+]? [a-zA-Z0-9]){0,40} "@" ${label} ("." ${label}){1,5}`;
const hex4 = "[0-9a-f]{1,4}";
const amount = "[0-9]{1,4}";
const clockPart = [
  `"T" (${amount} "H" (${amount} "M")? (${amount} "S")? | `,
  `${amount} "M" (${amount} "S")? | ${amount} "S")`,
].join("");
const duration = [
  `"P" (${amount} "W" | ${clockPart} | (${amount} "Y" (${amount} "M")? (${amount} "D")? | `,
  `${amount} "M" (${amount} "D")? | ${amount} "D") (${clockPart})?)`,
].join("");

const uriCharacter = "([a-zA-Z0-9._~!$&()*+,;=:@-] | [%] [0-9A-F] [0-9A-F])";
const uri = [
  `("http" [s]? "://" ${hostname} (":" [1-9] [0-9]{0,3})? ("/" ${uriCharacter}{0,64}){0,16} `,
  `("?" ${uriCharacter}{0,256})? ("#" ${uriCharacter}{0,64})? | "mailto:" ${email})`,
].join("");

/** `format` → GBNF of the text between the quotes. Nothing in them needs an escape in JSON. */
export const stringFormats: ReadonlyMap<string, string> = new Map([
  ["date", date],
  ["time", time],
  ["date-time", `${date} "T" ${time}`],
  ["duration", duration],
  ["uuid", '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}'],
  ["ipv4", `${byte} "." ${byte} "." ${byte} "." ${byte}`],
  ["ipv6", `${hex4} (":" ${hex4}){7}`],
  ["hostname", hostname],
  ["email", email],
  ["uri", uri],
]);
