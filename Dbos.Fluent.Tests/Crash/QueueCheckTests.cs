namespace Dbos.Fluent.Tests.Crash;

/// <summary>What the random queues are checked by finds what it is for, and nothing where nothing is wrong.</summary>
public sealed class QueueCheckTests
{
    private const int Partitions = 2;
    private const int Turns = 2 * Partitions;

    private static readonly QueuedRow Waiting = new("w", "chain", "q", null, "ENQUEUED", null, 1, 1000, null, null, 0, 0);
    private static readonly QueuedRow Running = Waiting with { Id = "r", Status = "PENDING", Executor = "x", Started = 5000, Attempts = 1 };

    private static QueuedRow Ended => Running with { Status = "SUCCESS", Ended = 6000, Checkpoints = 2 };

    [Fact]
    public void One_that_waits_and_one_that_began_later_are_seen_to_be_passed()
    {
        var late = Running with { Created = 1001 };
        var behind = late with { Created = 1, Priority = 2 };
        Assert.True(Fails(() => Order(Waiting, late)));
        Assert.True(Fails(() => Order(Waiting, behind)));
        Assert.True(Fails(() => Order(Waiting, behind, Waiting with { Status = "PENDING", Started = 5001, Attempts = 1 })));

        Order(Waiting, late with { Started = 4000 });
        Order(Waiting, behind, Waiting with { Status = "PENDING", Started = 4999, Attempts = 1 });
        Order(Waiting, late with { Created = 1000 });
        Order(Waiting with { Queue = "another" }, behind);
        Order(Waiting with { Attempts = 1 }, behind);
        new QueueOrder().Check(new QueueLook(9000, [Waiting, behind], []));
    }

    [Theory]
    [InlineData(Turns, false, 1, 0, false)]
    [InlineData(Turns + 1, false, 1, 0, true)]
    [InlineData(Turns + 1, true, 1, 0, true)]
    [InlineData(Turns + 1, false, 0, 0, false)]
    [InlineData(Turns + 1, false, 1, 1, false)]
    public void A_partition_that_is_passed_too_often_is_seen_while_it_waits_and_when_it_begins(
        int others, bool begins, int limit, int kills, bool isSeen)
    {
        var turns = new PartitionTurns(Partitions, processes: 1);
        var head = Waiting with { Partition = "a" };
        turns.Check(new QueueLook(2000, [head], []), "q", limit, kills: 0);
        var passing = Enumerable.Range(0, others)
            .Select(number => Ended with { Id = $"{number}", Partition = "b", Started = 3000 + number });
        var after = begins ? head with { Status = "PENDING", Started = 4000, Attempts = 1 } : head;

        Assert.Equal(isSeen, Fails(() => turns.Check(new QueueLook(5000, [after, .. passing], []), "q", limit, kills)));
    }

    [Fact]
    public void What_is_lost_or_run_twice_is_seen()
    {
        Assert.True(Fails(() => Progress([Waiting, Running], [Waiting])));
        Assert.True(Fails(() => Progress([Ended], [Running])));
        Assert.True(Fails(() => Progress([Ended], [Ended with { Attempts = 2 }])));
        Assert.True(Fails(() => Progress([Running], [Running with { Attempts = 2, Executor = "y" }])));
        Assert.True(Fails(() => Progress([Running], [Running with { Status = "ENQUEUED", Started = null }])));
        Assert.True(Fails(() => Progress([Running], [Ended with { Checkpoints = 1 }])));
        Assert.True(Fails(() => Progress([Running], [Running with { Checkpoints = 3 }])));
        Assert.True(Fails(() => Progress([Running], [Running with { Status = "ERROR" }])));

        Progress([Waiting, Running], [Waiting, Ended]);
        Progress([Running], [Running with { Attempts = 2, Executor = "y" }], "x");
        Progress([Running], [Running with { Status = "ENQUEUED", Started = null }], "x");
        Progress([Running], [Running with { Status = "CANCELLED", Queue = null, Started = null, Ended = 6000 }]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("p")]
    public void A_start_beyond_a_rate_is_seen_also_where_its_workflow_was_started_again(string? partition)
    {
        var again = Running with { Partition = partition, Started = 6000, Attempts = 2 };
        QueuedStart[] both = [new("q", partition, 6000), new("q", partition, 1000)];

        Assert.Equal([1000, 6000], Look(both).StartsOf("q", partition));
        Assert.True(Fails(() => Rate(Look([.. both, new("q", partition, 7000)]))));

        Rate(Look([.. both, new("q", partition, 11_000)]));
        Rate(Look([.. both, new("q", "another", 7000), new("another", partition, 7000)]));

        QueueLook Look(QueuedStart[] starts) => new(90_000, [again], starts);

        void Rate(QueueLook look) => new ChangingRate(2, TimeSpan.FromSeconds(10)).Check(look.StartsOf("q", partition));
    }

    // The first waits when the queue is looked at, and later is as the last one says if there is one, and as it was if not.
    private static void Order(QueuedRow waiting, QueuedRow late, QueuedRow? then = null)
    {
        var order = new QueueOrder();
        order.Check(new QueueLook(3000, [waiting], []));
        order.Check(new QueueLook(9000, [then ?? waiting, late], []));
    }

    private static void Progress(QueuedRow[] first, QueuedRow[] then, params string[] killed)
    {
        var progress = new QueueProgress(parks: _ => false);
        progress.Check(new QueueLook(8000, first, []), first.Length, _ => 2, killed);
        progress.Check(new QueueLook(9000, then, []), first.Length, _ => 2, killed);
    }

    private static bool Fails(Action check) => Record.Exception(check) is not null;
}
