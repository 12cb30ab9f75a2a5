namespace Dbos.Fluent.Tests.Schedules;

/// <summary>One field as it was written, and the values that were meant.</summary>
internal sealed record GeneratedField(string Text, ulong Values)
{
    public static readonly GeneratedField Zero = new("0", 1);

    public bool HasStar => Text.Contains('*') || Text.Contains('?');

    public bool Has(int value) => ((Values >> value) & 1) != 0;
}

/// <summary>An expression that a test has made up, so that it knows what it means without reading it.</summary>
internal sealed record GeneratedCron(
    GeneratedField Second, GeneratedField Minute, GeneratedField Hour, GeneratedField Day, GeneratedField Month, GeneratedField Weekday)
{
    /// <summary>The bit of the last day of the month.</summary>
    public const int LastDay = 0;

    public bool IsInterval => Minute.HasStar || Hour.HasStar;

    public string Text =>
        (Second == GeneratedField.Zero ? "" : Second.Text + " ")
        + $"{Minute.Text} {Hour.Text} {Day.Text} {Month.Text} {Weekday.Text}";

    public bool Matches(DateTime local) =>
        Second.Has(local.Second) && Minute.Has(local.Minute) && Hour.Has(local.Hour) && Month.Has(local.Month) && MatchesDay(local);

    private bool MatchesDay(DateTime local)
    {
        var byDate = Day.Has(local.Day) || (Day.Has(LastDay) && local.AddDays(1).Day == 1);
        var byWeekday = Weekday.Has((int)local.DayOfWeek);
        return Day.HasStar || Weekday.HasStar ? byDate && byWeekday : byDate || byWeekday;
    }
}
