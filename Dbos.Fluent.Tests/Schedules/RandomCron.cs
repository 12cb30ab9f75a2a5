namespace Dbos.Fluent.Tests.Schedules;

/// <summary>Makes up expressions, mostly such as take place in the hours in which clocks are changed.</summary>
/// <remarks>
/// Only what all implementations read alike: ranges go up, a star in one day field stands beside a restricted one only by itself, and the
/// times of a fixed-time job are written without steps.
/// </remarks>
internal sealed class RandomCron(Random random)
{
    private static readonly string[] Months = ["JAN", "Feb", "mar", "APR", "May", "JUN", "JUL", "aug", "SEP", "OCT", "NOV", "DEC"];
    private static readonly string[] Weekdays = ["SUN", "mon", "TUE", "Wed", "THU", "FRI", "sat"];

    /// <summary>With a second in one of four.</summary>
    public GeneratedCron Next() => random.Next(4) == 0 ? Daily() with { Second = List(0, 59, Plain) } : Daily();

    /// <summary>Without seconds.</summary>
    public GeneratedCron Daily()
    {
        var (day, weekday) = Days();
        var month = random.Next(4) > 0 ? Star(1, 12) : List(1, 12, Any, Months);
        var (minute, hour) = random.Next(4) switch
        {
            0 => (random.Next(2) == 0 ? Star(0, 59) : Every(0, 59), Hours(Any)),
            1 => (List(0, 59, Any), random.Next(2) == 0 ? Star(0, 23) : Every(0, 23)),
            _ => (List(0, 59, Plain), Hours(Plain)),
        };
        return new GeneratedCron(GeneratedField.Zero, minute, hour, day, month, weekday);
    }

    private (GeneratedField Day, GeneratedField Weekday) Days() => random.Next(8) switch
    {
        0 => (DaysOfMonth(), Star(0, 6)),
        1 => (Star(1, 31) with { Text = "?" }, DaysOfWeek()),
        2 => (Every(1, 31), Star(0, 6) with { Text = "?" }),
        3 => (Star(1, 31), Every(0, 6)),
        4 => (DaysOfMonth(), DaysOfWeek()),
        _ => (Star(1, 31), Star(0, 6)),
    };

    private GeneratedField DaysOfMonth()
    {
        var days = List(1, 31, Any);
        return random.Next(3) > 0 ? days : new GeneratedField(days.Text + ",L", days.Values | (1UL << GeneratedCron.LastDay));
    }

    private GeneratedField DaysOfWeek() => random.Next(4) switch
    {
        0 => new GeneratedField("7", 1),
        1 => new GeneratedField("FRI-SUN", 0b110_0001),
        2 => new GeneratedField("3-7/2", 0b010_1001),
        _ => List(0, 6, Any, Weekdays),
    };

    private GeneratedField Hours(Func<int, int, string[], GeneratedField> form) =>
        random.Next(3) == 0 ? List(0, 23, form) : List(0, 4, Plain);

    private GeneratedField List(int first, int last, Func<int, int, string[], GeneratedField> form, params string[] names)
    {
        var field = form(first, last, names);
        while (random.Next(3) == 0)
        {
            var more = form(first, last, names);
            field = new GeneratedField(field.Text + "," + more.Text, field.Values | more.Values);
        }

        return field;
    }

    // A value or a range of them.
    private GeneratedField Plain(int first, int last, string[] names)
    {
        var from = random.Next(first, last + 1);
        var to = random.Next(3) == 0 ? random.Next(from, last + 1) : from;
        var text = from == to ? Name(from, first, names) : $"{Name(from, first, names)}-{Name(to, first, names)}";
        return new GeneratedField(text, Values(from, to, 1));
    }

    // That, or with a step.
    private GeneratedField Any(int first, int last, string[] names)
    {
        var from = random.Next(first, last + 1);
        var to = random.Next(from, last + 1);
        var step = random.Next(1, last - first + 2);
        return random.Next(4) switch
        {
            0 => new GeneratedField($"{from}-{to}/{step}", Values(from, to, step)),
            1 => new GeneratedField($"{from}/{step}", Values(from, last, step)),
            _ => Plain(first, last, names),
        };
    }

    private GeneratedField Every(int first, int last)
    {
        var step = random.Next(1, Math.Min(last - first + 1, 30) + 1);
        return new GeneratedField($"*/{step}", Values(first, last, step));
    }

    private static GeneratedField Star(int first, int last) => new("*", Values(first, last, 1));

    private string Name(int value, int first, string[] names) =>
        names.Length > 0 && random.Next(2) == 0 ? names[value - first] : $"{value}";

    private static ulong Values(int from, int to, int step)
    {
        var values = 0UL;
        for (var value = from; value <= to; value += step)
        {
            values |= 1UL << value;
        }

        return values;
    }
}
