using Dbos.Fluent.Tests.Worker.Chaos;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>That a chaos run has every kind of fault is no matter of chance.</summary>
public sealed class ChaosPlanTests
{
    private const int Slots = 4;

    [Fact]
    public void A_plan_begins_with_one_fault_of_each_kind_whatever_the_seed()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var plan = new ChaosPlan(seed);
            var begun = new HashSet<ChaosFaultKind>();
            foreach (var _ in ChaosPlan.Drawn)
            {
                // Until its process is there it is owed.
                var fault = plan.Next(Slots);
                Assert.Equal(fault.Kind, plan.Next(Slots).Kind);
                Assert.True(fault.IsOwed);
                Assert.InRange(fault.Slot, 0, Slots - 1);
                Assert.True(begun.Add(fault.Kind), $"{fault.Kind} twice with seed {seed}");
                plan.Happened(fault.Kind);
            }

            Assert.False(plan.Next(Slots).IsOwed);
            Assert.Equal([ChaosFaultKind.ServerRestarted, ChaosFaultKind.ClockJumped], plan.Missing);
            plan.Happened(ChaosFaultKind.ServerRestarted);
            plan.Happened(ChaosFaultKind.ClockJumped, times: 0);
            Assert.Equal([ChaosFaultKind.ClockJumped], plan.Missing);
            plan.Happened(ChaosFaultKind.ClockJumped, times: 2);
            Assert.Empty(plan.Missing);
        }
    }

    [Fact]
    public void Every_kind_is_drawn_again_and_again_afterwards()
    {
        var plan = new ChaosPlan(1);
        foreach (var kind in ChaosPlan.Drawn)
        {
            plan.Happened(kind);
        }

        var drawn = Enumerable.Range(0, 1000).Select(_ => plan.Next(Slots)).ToList();

        Assert.Equal(ChaosPlan.Drawn, drawn.Select(fault => fault.Kind).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, Slots), drawn.Select(fault => fault.Slot).Distinct().Order());
    }

    [Fact]
    public async Task Clocks_jump_far_enough_to_be_noticed_whatever_the_seed()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var jumped = new TaskCompletionSource<TimeSpan>();
            await using var clock = new JumpingClock(seed, by =>
            {
                jumped.TrySetResult(by);
                return Task.CompletedTask;
            });
            clock.Start();

            Assert.InRange((await jumped.Task.Within(Bounded.Limit)).Duration().TotalSeconds, 0.5, 3);
        }
    }

    [Fact]
    public void A_run_without_a_kind_of_fault_or_whose_queue_was_not_just_full_has_failed()
    {
        var nothing = new ChaosRows(
            new Dictionary<string, ChaosWorkflowRow>(),
            Array.Empty<((string, string) Key, long At)>().ToLookup(row => row.Key, row => row.At),
            new Dictionary<string, (long, long)>(),
            new Dictionary<string, long>(),
            new Dictionary<string, long>(),
            0);
        var effects = Array.Empty<((string, string) Key, ChaosEffect Effect)>().ToLookup(row => row.Key, row => row.Effect);
        var options = new ChaosOptions(1, 0, TimeSpan.Zero);

        Assert.Empty(BreachesOf([], 0));
        Assert.Contains("ClockJumped", Assert.Single(BreachesOf([ChaosFaultKind.ClockJumped], 0)), StringComparison.Ordinal);
        Assert.All([-1, 1], off => Assert.Contains("limited queue", Assert.Single(BreachesOf([], off)), StringComparison.Ordinal));

        IReadOnlyList<string> BreachesOf(IReadOnlyList<ChaosFaultKind> missing, int off) =>
            ChaosVerdict.Of(options, nothing, effects, missing, ChaosQueueWatch.Limit + off).Breaches;
    }
}
