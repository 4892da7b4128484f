// Dates for templates that print today's date (`strftime_now("%d %b %Y")`), in UTC and English on
// every machine, computed from seconds since 1970 so that no hidden clock is read.

const monthNames: readonly string[] = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const dayNames: readonly string[] = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
];

const secondsPerDay = 86_400;

/** `format` with strftime's common directives filled in for `unixSeconds`, in UTC. */
export function formatDate(unixSeconds: number, format: string): string {
  const days = Math.floor(unixSeconds / secondsPerDay);
  const secondOfDay = unixSeconds - days * secondsPerDay;
  const { year, month, day } = civilFromDays(days);
  const monthName = monthNames[month - 1] ?? "";
  const dayName = dayNames[(((days + 4) % 7) + 7) % 7] ?? "";
  const fields: Readonly<Record<string, string>> = {
    Y: String(year),
    y: padded(year % 100),
    m: padded(month),
    d: padded(day),
    B: monthName,
    b: monthName.slice(0, 3),
    A: dayName,
    a: dayName.slice(0, 3),
    H: padded(Math.floor(secondOfDay / 3600)),
    M: padded(Math.floor(secondOfDay / 60) % 60),
    S: padded(Math.floor(secondOfDay) % 60),
    "%": "%",
  };
  return format.replaceAll(/%(.)/gu, (whole, letter: string) =>
    Object.hasOwn(fields, letter) ? (fields[letter] ?? whole) : whole,
  );
}

interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

/** The Gregorian date of a day number (0 = 1 January 1970), by years that start in March. */
function civilFromDays(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function padded(value: number): string {
  return String(value).padStart(2, "0");
}
