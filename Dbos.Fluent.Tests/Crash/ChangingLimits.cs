namespace Dbos.Fluent.Tests.Crash;

/// <summary>A limit of what runs at once, which changes: a lower one stops nothing that runs.</summary>
internal sealed class ChangingLimit(string what, int value)
{
    private int allowed = value;

    public string What => what;

    public int Value { get; private set; } = value;

    /// <summary>At how many looks as many ran as may.</summary>
    public int Full { get; private set; }

    /// <summary>To be called before the change is written.</summary>
    public void Change(int to)
    {
        Value = to;
        allowed = Math.Max(allowed, to);
    }

    /// <summary>Asserts the limit. Until no more run than the lower one allows, the higher one counts.</summary>
    public void Check(int running)
    {
        Assert.True(running <= allowed, $"Of {what}, {running} run where {allowed} may");
        Full += running >= Value ? 1 : 0;
        allowed = running <= Value ? Value : allowed;
    }
}

/// <summary>A limit of starts in a span of time, which changes: at each moment of the database's clock one is in force.</summary>
internal sealed class ChangingRate(int starts, TimeSpan per)
{
    private readonly List<(long Before, long After, int Starts)> changes = [];

    public RateLimit Value => new(changes is [.., var last] ? last.Starts : starts, per);

    /// <summary>Changes the rate; <paramref name="write"/> is the change, which takes effect between two looks at the clock.</summary>
    public async Task ChangeAsync(int to, Func<Task<long>> clock, Func<RateLimit, Task> write)
    {
        var before = await clock();
        await write(new RateLimit(to, per));
        changes.Add((before, await clock(), to));
    }

    /// <summary>Asserts that each start, of all in their order, had room in the span of time that ended with it.</summary>
    public void Check(IReadOnlyList<long> moments)
    {
        for (var i = 0; i < moments.Count; i++)
        {
            var most = InForce(moments[i]);
            Assert.True(
                i < most || moments[i] - moments[i - most] >= (long)per.TotalMilliseconds,
                $"{most + 1} were started within {moments[i] - moments[Math.Max(0, i - most)]} ms where {most} may be in {per}");
        }
    }

    // Between the two looks at the clock it is not known which of them it is.
    private int InForce(long moment)
    {
        var most = starts;
        foreach (var change in changes)
        {
            most = moment > change.After ? change.Starts : moment >= change.Before ? Math.Max(most, change.Starts) : most;
        }

        return most;
    }
}

/// <summary>Stretches of the database's clock in which nothing may be started.</summary>
internal sealed class Pausing
{
    private readonly List<(long From, long Until)> pauses = [];
    private long? since;

    public async Task ToggleAsync(Func<Task<long>> clock, Func<bool, Task> write)
    {
        if (since is { } from)
        {
            pauses.Add((from, await clock()));
            since = null;
            await write(false);
        }
        else
        {
            await write(true);
            since = await clock();
        }
    }

    /// <summary>Ends the pause, if there is one.</summary>
    public Task EndAsync(Func<Task<long>> clock, Func<bool, Task> write) =>
        since is null ? Task.CompletedTask : ToggleAsync(clock, write);

    public void Check(IReadOnlyList<long> moments)
    {
        foreach (var (from, until) in since is { } open ? [.. pauses, (open, long.MaxValue)] : pauses)
        {
            Assert.DoesNotContain(moments, moment => moment > from && moment < until);
        }
    }
}
