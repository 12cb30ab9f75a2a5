using System.Diagnostics;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// Queues of all kinds, to which everything happens at random: starts, ends, cancels, kills, changes of their limits. After each event the
/// database alone is asked whether all rules hold.
/// </summary>
public abstract class RandomQueueSuite(IDatabaseFixture fixture) : ServingSuite(fixture)
{
    private const int LooksMin = 100;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(120);

    private readonly HashSet<string> told = [];
    private QueueLook look = QueueLook.Nothing;
    private int enqueued;
    private int looks;
    private int parkedMost;

    /// <summary>For how long things happen.</summary>
    protected abstract TimeSpan Length { get; }

    // On a busy machine it takes longer until enough has happened: events, a kill, each limit reached, waits that have left memory.
    private bool HasSeenAll => looks >= LooksMin && Killed.Count > 0 && Rules.Limits.All(limit => limit.Full > 0)
        && Parks == (parkedMost > 0);

    private bool Parks => UnloadAfter == 0;

    private QueueRules Rules => field ??= new QueueRules(Database, Servers, Parks);

    private QueueProgress Progress => field ??= new QueueProgress(Rules.MayPark);

    [Fact]
    public async Task No_rule_is_ever_broken_whatever_happens_at_random()
    {
        var random = Seeds.Next(out _);
        var engine = await LaunchEnqueuerAsync([.. Rules.Queues]);
        await Database.NoteStartsAsync();
        await ServeAsync();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Length || (!HasSeenAll && clock.Elapsed < Soon);)
        {
            await HappenAsync(engine, random);
            await CheckAsync();
        }

        Report();

        await Rules.EndAsync(engine.Queues);
        await TellAsync(engine, row => !row.HasEnded);
        await Eventually.TrueAsync(
            async () =>
            {
                await CheckAsync();
                return look.Rows.All(row => row.HasEnded);
            },
            Soon,
            "everything ends");
        Report();
        Assert.True(HasSeenAll, "Not everything has happened.");
        await CheckEffectsAsync();
    }

    private void Report() => TestContext.Current.TestOutputHelper?.WriteLine(
        $"{looks} looks, {enqueued} enqueued, {Killed.Count} kills, {Rules.Turns.Most} turns, at most {parkedMost} parked; "
        + "looks at which as many ran as may: "
        + string.Join(", ", Rules.Limits.Select(limit => $"{limit.What} {limit.Full}")));

    private Task HappenAsync(WorkflowEngine engine, Random random) => random.Next(15) switch
    {
        < 4 => EnqueueAsync(engine, random),
        < 7 => TellAsync(engine, row => (row.Runs || row.IsParked) && random.Next(2) == 0),
        < 8 => CancelOneAsync(engine, random),
        < 9 => KillOneAsync(random),
        < 13 => Rules.ChangeAsync(engine.Queues, random),
        _ => random.MomentAsync(TimeSpan.FromMilliseconds(100)),
    };

    private async Task EnqueueAsync(WorkflowEngine engine, Random random)
    {
        foreach (var (workflow, count) in new[] { (Workflows.Chain, random.Next(1, 24)), (Workflows.Waiting, random.Next(1, 8)) })
        {
            var starts = Enumerable.Range(0, count).Select(_ => (2, (StartOptions?)Rules.Start(random)));
            await engine.StartManyAsync(workflow, starts, Cancel);
            enqueued += count;
        }
    }

    // What waits in the midst of its run holds its places until it is told to go on.
    private async Task TellAsync(WorkflowEngine engine, Func<QueuedRow, bool> which)
    {
        var ids = look.Rows.Where(row => row.Name == Workflows.Waiting.Name && which(row) && told.Add(row.Id)).Select(row => row.Id);
        await engine.SendManyAsync(ids.Select(id => (id, 1, (string?)"go on", (string?)null)).ToList(), cancellationToken: Cancel);
    }

    private async Task CancelOneAsync(WorkflowEngine engine, Random random)
    {
        var unended = look.Rows.Where(row => !row.HasEnded).ToList();
        if (unended.Count > 0)
        {
            await engine.CancelAsync(unended[random.Next(unended.Count)].Id, cancellationToken: Cancel);
        }
    }

    // One that is not up yet is killed more seldom, or on a busy machine none would ever do anything.
    private async Task KillOneAsync(Random random)
    {
        var number = random.Next(Servers);
        if (Serves(number) || random.Next(4) == 0)
        {
            await KillAsync(number);
        }
    }

    private async Task CheckAsync()
    {
        look = await QueueLook.TakeAsync(Database);
        looks++;
        parkedMost = Math.Max(parkedMost, look.Rows.Count(row => row.IsParked));
        Progress.Check(look, enqueued, name => name == Workflows.Waiting.Name ? 3 : 2, Killed);
        Rules.Check(look, Killed.Count);
    }

    // A step whose process died between its effect and its checkpoint runs again, and no other.
    private async Task CheckEffectsAsync()
    {
        var effects = Ledger.Read();
        var succeeded = look.Rows.Where(row => row.Status == "SUCCESS").Select(row => row.Id).ToHashSet();
        Assert.Equal(2 * succeeded.Count, effects.Keys.Count(effect => succeeded.Contains(effect.WorkflowId)));
        await EachRunRepeatsOneAtMostAsync();
    }
}
