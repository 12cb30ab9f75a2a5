using System.Globalization;
using System.Numerics;

namespace Dbos.Fluent.Schedules;

/// <summary>A cron expression that is evaluated on the clocks of one time zone.</summary>
/// <remarks>
/// When clocks go forward, skipped occurrences take place once, at the first instant after the gap, however many were skipped. An interval
/// job (<c>*</c> or <c>*/n</c> in the hour or minute field) is not made up for if it takes place anyway within the length of the gap: a job
/// every fifteen minutes keeps its fifteen minutes. When clocks go back, a fixed-time job takes place at the first of two equal times, an
/// interval job at each.
/// </remarks>
internal sealed class CronSchedule : ICronSchedule
{
    /// <summary>29 February falls on a given day of the week at least once in this many years.</summary>
    private const int HorizonYears = 40;

    /// <summary>The calendar's last year is left out, as its last hours do not exist in every zone.</summary>
    private const int LastYear = 9998;

    private static readonly DateTimeOffset Earliest = new(2, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Longer than any change of clocks, even a move of the date line, and shorter than the time between two changes in any zone.
    /// </summary>
    private static readonly TimeSpan Reach = TimeSpan.FromDays(2);

    private readonly CronExpression expression;
    private readonly TimeZoneInfo zone;

    private CronSchedule(CronExpression expression, TimeZoneInfo zone) => (this.expression, this.zone) = (expression, zone);

    /// <summary>Reads an expression (see <see cref="CronParser"/>) for a zone.</summary>
    /// <param name="cron">Five fields, or six with the second first, or a macro such as <c>@daily</c>.</param>
    /// <param name="timeZone">An IANA id, such as <c>UTC</c>. Windows ids are refused, as other programs read the same row.</param>
    /// <exception cref="ArgumentException">
    /// The expression cannot be read; the message names the field, the position and what is allowed. Or the zone does not exist here.
    /// </exception>
    public static CronSchedule Parse(string cron, string timeZone)
    {
        var expression = CronParser.Parse(cron);
        ArgumentNullException.ThrowIfNull(timeZone);
        if (TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out var zone) && zone.HasIanaId)
        {
            return new CronSchedule(expression, zone);
        }

        var example = TimeZoneInfo.TryConvertWindowsIdToIanaId(timeZone, out var iana) ? iana : "Europe/Paris";
        throw new ArgumentException($"Time zone '{timeZone}' is unknown; expected an IANA id, as '{example}' or 'UTC'.", nameof(timeZone));
    }

    /// <inheritdoc/>
    public DateTimeOffset? NextAfter(DateTimeOffset moment)
    {
        if (moment.UtcDateTime.Year > LastYear)
        {
            return null;
        }

        // Instants are DateTimeOffset, times on clocks are DateTime. Clocks are followed from `at`; times before `local` no longer count.
        var at = moment < Earliest ? Earliest : new(moment.UtcTicks - (moment.UtcTicks % Second.Ticks), TimeSpan.Zero);
        var local = AfterRepetition(at, at.ToOffset(OffsetAt(at)).DateTime + Second);
        var lastYear = Math.Min(local.Year + HorizonYears, LastYear);
        while (expression.Next(local, lastYear) is { } match)
        {
            var due = Instant(match, at);
            var ahead = due - at < Reach ? due : at + Reach;
            if (FirstChange(at, ahead) is { } change)
            {
                if (match < change.LocalAfter && IsMadeUpFor(change))
                {
                    return change.At;
                }

                (at, local) = (change.At, expression.IsInterval ? change.LocalAfter : change.LocalLatest);
            }
            else if (ahead == due)
            {
                return due;
            }
            else
            {
                // On the long way to a match, a change of clocks matters only near the ends, where it can repeat or skip something.
                at = due - ahead > Reach ? due - Reach : ahead;
            }
        }

        return null;
    }

    /// <summary>The time on the clocks; if they show it for the second time, the first time that is new to a fixed-time job.</summary>
    private DateTime AfterRepetition(DateTimeOffset at, DateTime local) =>
        !expression.IsInterval && FirstChange(at - Reach, at) is { } change && change.LocalLatest > local
            ? change.LocalLatest
            : local;

    private bool IsMadeUpFor(ClockChange gap) =>
        !expression.IsInterval
        || expression.Next(gap.LocalAfter, LastYear) is not { } next
        || next - gap.LocalAfter >= gap.LocalAfter - gap.LocalBefore;

    /// <summary>The first change of clocks after one instant and not after another; the two must be within reach of each other.</summary>
    private ClockChange? FirstChange(DateTimeOffset after, DateTimeOffset until)
    {
        var before = OffsetAt(after);
        if (OffsetAt(until) == before)
        {
            return null;
        }

        // Changes take place on whole seconds, so the search ends exactly on the instant.
        var (low, high) = (0L, (until - after).Ticks / Second.Ticks);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            (low, high) = OffsetAt(after + (middle * Second)) == before ? (middle, high) : (low, middle);
        }

        var at = after + (high * Second);
        return new ClockChange(at, at.ToOffset(before).DateTime, at.ToOffset(OffsetAt(at)).DateTime);
    }

    private DateTimeOffset Instant(DateTime local, DateTimeOffset at) => new DateTimeOffset(local, OffsetAt(at)).ToUniversalTime();

    // The zone is asked only for offsets. What it says of skipped and repeated times covers daylight saving, not the day that Samoa
    // skipped.
    private TimeSpan OffsetAt(DateTimeOffset instant) => zone.GetUtcOffset(instant);
}

/// <summary>A change of clocks: what they would have shown at this instant, and what they do show.</summary>
internal readonly record struct ClockChange(DateTimeOffset At, DateTime LocalBefore, DateTime LocalAfter)
{
    /// <summary>From this local time on, clocks show only times that they have not shown before and do not skip.</summary>
    public DateTime LocalLatest => LocalBefore > LocalAfter ? LocalBefore : LocalAfter;
}

/// <summary>The values of one field, as bits, and whether the field uses a star.</summary>
internal readonly record struct CronField(ulong Values, bool HasStar)
{
    public bool Has(int value) => ((Values >> value) & 1) != 0;

    /// <summary>The smallest value that is not less than the given one; null if there is no such value.</summary>
    public int? From(int value) => Values >> value is > 0 and var rest ? value + BitOperations.TrailingZeroCount(rest) : null;
}

/// <summary>The local times that match; time zones play no part here.</summary>
internal sealed record CronExpression(CronField Second, CronField Minute, CronField Hour, CronField Day, CronField Month, CronField Weekday)
{
    /// <summary>Represents the last day of the month in the set of days; no day has this number.</summary>
    public const int LastDay = 0;

    private const int WeekDays = 7;
    private const ulong OneWeek = (1UL << WeekDays) - 1;

    /// <summary>The first day of each of five weeks.</summary>
    private const ulong EachWeek = 1UL | (1UL << 7) | (1UL << 14) | (1UL << 21) | (1UL << 28);

    /// <summary>True for a job that recurs through the day; false for a job at fixed hours and minutes.</summary>
    public bool IsInterval => Hour.HasStar || Minute.HasStar;

    /// <summary>The first match that is not earlier; null if there is no match up to the end of a year.</summary>
    public DateTime? Next(DateTime from, int lastYear)
    {
        var day = NextDay(from.Date, lastYear);
        if (day == from.Date)
        {
            if (NextTime(from.Hour, from.Minute, from.Second) is { } time)
            {
                return day + time;
            }

            day = NextDay(from.Date.AddDays(1), lastYear);
        }

        return day + NextTime(0, 0, 0);
    }

    private DateTime? NextDay(DateTime from, int lastYear)
    {
        var (year, month, day) = (from.Year, from.Month, from.Day);
        while (year <= lastYear)
        {
            if (Month.Has(month) && DaysOf(year, month).From(day) is { } found)
            {
                return new DateTime(year, month, found);
            }

            (year, month, day) = month == 12 ? (year + 1, 1, 1) : (year, month + 1, 1);
        }

        return null;
    }

    /// <summary>Finds the next matching time of the day. When a field advances, the smaller fields start again.</summary>
    private TimeSpan? NextTime(int hour, int minute, int second)
    {
        if (Hour.Has(hour))
        {
            if (Minute.Has(minute) && Second.From(second) is { } sameMinute)
            {
                return new TimeSpan(hour, minute, sameMinute);
            }

            if (Minute.From(minute + 1) is { } sameHour)
            {
                return new TimeSpan(hour, sameHour, Second.From(0)!.Value);
            }
        }

        return Hour.From(hour + 1) is { } later ? new TimeSpan(later, Minute.From(0)!.Value, Second.From(0)!.Value) : null;
    }

    private CronField DaysOf(int year, int month)
    {
        var length = DateTime.DaysInMonth(year, month);
        var byDate = Day.Values | (Day.Has(LastDay) ? 1UL << length : 0);

        // The week, rotated to begin on the weekday of the first of the month, repeated for each week of the month.
        var first = (int)new DateTime(year, month, 1).DayOfWeek;
        var week = ((Weekday.Values >> first) | (Weekday.Values << (WeekDays - first))) & OneWeek;
        var byWeekday = (week * EachWeek) << 1;

        var ofMonth = (2UL << length) - 2;
        return new(ofMonth & (Day.HasStar || Weekday.HasStar ? byDate & byWeekday : byDate | byWeekday), HasStar: false);
    }
}

/// <summary>Reads cron expressions, and reports where an expression cannot be read.</summary>
/// <remarks>
/// <para>
/// The fields are minute (0-59), hour (0-23), day of month (1-31), month (1-12, JAN-DEC) and day of week (0-7, SUN-SAT; 0 and 7 are
/// Sunday). A sixth field in front is the second (0-59); its default is 0. Blanks separate the fields; names may be in any case. Each field
/// is a comma-separated list of <c>*</c>, <c>a</c>, <c>a-b</c>, <c>*/n</c>, <c>a-b/n</c>, and <c>a/n</c> for <c>a-last/n</c>. In the day
/// fields <c>?</c> means <c>*</c>; <c>L</c> in the day of month is the month's last day. Ranges go upwards, as in cron, except for days of
/// the week. Those form a circle (FRI-MON), as 0 and 7 are the same day.
/// </para>
/// <para>
/// If both day fields are restricted, a day that matches either field matches. If either field has a star, also in <c>*/n</c>, a day must
/// match both. This is the rule of Vixie's cron, which most implementations follow.
/// </para>
/// </remarks>
internal sealed class CronParser
{
    private const string Fields = "five fields (minute, hour, day of month, month, day of week), or six with the second first";

    private static readonly Unit DayOfMonth = new("day of month", 1, 31, []);
    private static readonly Unit DayOfWeek = new("day of week", 0, 6, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]);

    private static readonly Unit[] Units =
    [
        new("second", 0, 59, []),
        new("minute", 0, 59, []),
        new("hour", 0, 23, []),
        DayOfMonth,
        new("month", 1, 12, ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
        DayOfWeek,
    ];

    private static readonly Dictionary<string, string> Macros = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@yearly"] = "0 0 1 1 *",
        ["@annually"] = "0 0 1 1 *",
        ["@monthly"] = "0 0 1 * *",
        ["@weekly"] = "0 0 * * 0",
        ["@daily"] = "0 0 * * *",
        ["@midnight"] = "0 0 * * *",
        ["@hourly"] = "0 * * * *",
    };

    private readonly string text;
    private Unit unit = Units[0];
    private int at;

    private CronParser(string text) => this.text = text;

    private bool IsAtEnd => at == text.Length || char.IsWhiteSpace(text[at]);

    private char Current => IsAtEnd ? ' ' : text[at];

    /// <summary>Reads an expression or a macro.</summary>
    /// <exception cref="ArgumentException">The expression cannot be read; the message says where and why.</exception>
    public static CronExpression Parse(string cron)
    {
        ArgumentNullException.ThrowIfNull(cron);
        return new CronParser(Macros.GetValueOrDefault(cron.Trim(), cron)).ReadExpression();
    }

    private CronExpression ReadExpression()
    {
        int[] starts = [.. Enumerable.Range(0, text.Length).Where(StartsWord)];
        var omitted = Units.Length - starts.Length;
        return starts switch
        {
            [var first, ..] when text[first] == '@' => throw Wrong("macro", first, string.Join(", ", Macros.Keys)),
            [_, _, _, _, _, _, var seventh, ..] => throw Wrong("after the last field", seventh, "nothing: a schedule has " + Fields),
            { Length: < 5 } => throw Wrong(Units[starts.Length + 1].Name, text.Length, Fields),
            _ => new CronExpression(Field(0), Field(1), Field(2), Field(3), Field(4), Field(5)),
        };

        CronField Field(int index) => index < omitted ? new(1, HasStar: false) : ReadField(Units[index], starts[index - omitted]);
    }

    private bool StartsWord(int index) => !char.IsWhiteSpace(text[index]) && (index == 0 || char.IsWhiteSpace(text[index - 1]));

    private CronField ReadField(Unit field, int start)
    {
        (unit, at) = (field, start);
        var read = ReadTerm();
        while (Take(','))
        {
            var next = ReadTerm();
            read = new CronField(read.Values | next.Values, read.HasStar || next.HasStar);
        }

        return IsAtEnd ? read : throw Wrong(unit.Name, at, "',' or a blank here");
    }

    private CronField ReadTerm()
    {
        if (unit == DayOfMonth && (Take('L') || Take('l')))
        {
            return new CronField(1UL << CronExpression.LastDay, HasStar: false);
        }

        var start = at;
        var isStar = Take('*') || ((unit == DayOfMonth || unit == DayOfWeek) && Take('?'));
        var first = isStar ? unit.First : ReadValue();
        var last = !isStar && Take('-') ? ReadValue() : isStar || Current == '/' ? unit.Last : first;
        if (last < first)
        {
            last = unit == DayOfWeek ? last + unit.Count : throw Wrong(unit.Name, start, unit.Upwards(first, last));
        }

        var step = Take('/') ? ReadStep() : 1;
        var values = 0UL;
        for (var value = first; value <= last; value += step)
        {
            values |= 1UL << (unit == DayOfWeek ? value % unit.Count : value);
        }

        return new CronField(values, isStar);
    }

    private int ReadValue() => Read(unit.Names, unit.First, unit.Greatest, unit.Values);

    private int ReadStep() => Read([], 1, unit.Count, $"a step of 1 to {unit.Count}");

    private int Read(string[] names, int first, int last, string expected)
    {
        var start = at;
        while (char.IsAsciiLetterOrDigit(Current))
        {
            at++;
        }

        var word = text[start..at];
        var index = Array.FindIndex(names, name => name.Equals(word, StringComparison.OrdinalIgnoreCase));
        var value = index >= 0 ? first + index
            : int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : -1;
        return value >= first && value <= last ? value : throw Wrong(unit.Name, start, expected);
    }

    private bool Take(char expected)
    {
        var isThere = Current == expected;
        at += isThere ? 1 : 0;
        return isThere;
    }

    /// <summary>An error for the text read since <paramref name="start"/>, or for the next word if nothing was read.</summary>
    private ArgumentException Wrong(string field, int start, string expected)
    {
        var found = at > start ? text[start..at] : text[start..].Split((char[]?)null, 2)[0];
        var quoted = found.Length > 0 ? $"'{found}'" : "nothing";
        return Wrong(text, $"at position {start + 1}, {field}: found {quoted}, expected {expected}.");
    }

    private static ArgumentException Wrong(string cron, string how) => new($"Cron expression '{cron}' is wrong {how}", nameof(cron));

    /// <summary>The values that one field can have.</summary>
    private sealed record Unit(string Name, int First, int Last, string[] Names)
    {
        public int Count => Last - First + 1;

        /// <summary>The greatest number that is accepted; Sunday has two numbers.</summary>
        public int Greatest => this == DayOfWeek ? Last + 1 : Last;

        public string Values => this == DayOfMonth ? "1 to 31, or L by itself"
            : Names.Length == 0 ? $"{First} to {Last}"
            : $"{First} to {Greatest}, or {Names[0]} to {Names[^1]}";

        public string Upwards(int first, int last) => $"a range that goes up; over the end it is '{first}-{Last},{First}-{last}'";
    }
}
