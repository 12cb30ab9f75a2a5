using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>For stores that lock row by row: a row that somebody holds is passed over, and holds up nothing else.</summary>
public abstract class RowLockStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Locked_row_holds_up_its_own_units_only()
    {
        await using var bed = await Fixture.CreateAsync();
        var locked = await RunningAsync(bed, "locked");
        var free = await RunningAsync(bed, "free");
        var before = await bed.DumpAsync();

        await using (await bed.HoldAsync("locked"))
        {
            var statuses = await StatusesAsync(
                bed.Store,
                A.Checkpoints(locked, 0),
                A.Checkpoints(free, 0),
                A.Outcome(locked),
                A.Child(locked, 1, A.Direct("child")),
                A.Outcome(free)).Within(Bounded.Limit);

            Assert.Equal([CommitStatus.Busy, CommitStatus.Written, CommitStatus.Busy, CommitStatus.Busy, CommitStatus.Written], statuses);
            Assert.Equal(2, await bed.CountAsync("workflow_status"));
        }

        Assert.Equal(1, await bed.CountAsync("operation_outputs"));
        Assert.NotEqual(before, await bed.DumpAsync());
    }

    [Theory]
    [InlineData("checkpoint")]
    [InlineData("outcome")]
    [InlineData("child")]
    [InlineData("send")]
    [InlineData("receive")]
    [InlineData("event")]
    [InlineData("stream")]
    [InlineData("park")]
    public async Task Single_unit_of_a_locked_row_is_busy(string kind)
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await RunningAsync(bed, "other");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w")));
        CommitUnit unit = kind switch
        {
            "checkpoint" => A.Checkpoints(owner, 0),
            "outcome" => A.Outcome(owner),
            "send" => Some.Send(owner, 0, Some.Message("b", "other")),
            "receive" => Some.Receive(owner, 0),
            "event" => Some.Event(owner, 0, "k", "v"),
            "stream" => Some.Write(owner, 0, "k", "v"),
            "park" => new ParkUnit(owner, [Some.Sleep(0, 1)]),
            _ => A.Child(owner, 0, A.Direct("child")),
        };

        await using (await bed.HoldAsync("w"))
        {
            Assert.Equal(CommitResult.Busy, await CommitAsync(bed.Store, unit).Within(Bounded.Limit));
        }

        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, unit)).Status);
    }

    [Fact]
    public async Task Send_to_a_locked_row_is_busy_and_holds_up_nobody()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "locked");
        await RunningAsync(bed, "free");
        var unit = Some.Send(Some.Message("a", "free"), Some.Message("b", "locked"));

        await using (await bed.HoldAsync("locked"))
        {
            Assert.Equal(
                [CommitStatus.Busy, CommitStatus.Written],
                await StatusesAsync(bed.Store, unit, Some.Send(Some.Message("c", "free"))).Within(Bounded.Limit));
        }

        Assert.Equal(CommitResult.Written, await bed.Store.Commits.CommitWaitingAsync(unit, Cancel));
        Assert.Equal(3, await bed.CountAsync("notifications"));
    }

    [Fact]
    public async Task Claim_passes_over_rows_that_somebody_holds()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("held"), A.Enqueued("free"));

        await using (await bed.HoldAsync("held"))
        {
            Assert.Equal(["free"], await ClaimIdsAsync(bed.Store, A.Claim("token")).Within(Bounded.Limit));
        }

        Assert.Equal(["held"], await ClaimIdsAsync(bed.Store, A.Claim("token 2")));
    }

    [Fact]
    public async Task Sweep_passes_over_rows_that_somebody_holds()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("held") with { TimeoutMs = 1_000 });
        await RunningAsync(bed, A.Direct("free") with { TimeoutMs = 1_000 });
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        await using (await bed.HoldAsync("held"))
        {
            var cancelled = await bed.Store.Workflows.CancelExpiredAsync(A.Application, 100, A.CancelError, Cancel).Within(Bounded.Limit);
            Assert.Equal(["free"], cancelled);
        }

        Assert.Equal(["held"], await bed.Store.Workflows.CancelExpiredAsync(A.Application, 100, A.CancelError, Cancel));
    }

    [Fact]
    public async Task Hand_on_leaves_rows_that_somebody_holds_for_the_next_call()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "held");
        await RunningAsync(bed, "free");
        await RunningAsync(bed, "orphan");
        bed.Time.Advance(TimeSpan.FromHours(1));

        await using (await bed.HoldAsync("held"))
        {
            var request = A.HandOn(A.ExecutorId) with { Except = new([], [new("orphan", "token of orphan")]) };
            Assert.Equal(["free"], await bed.Store.Executors.HandOnAsync(request, Cancel).Within(Bounded.Limit));
            Assert.Equal(
                ["orphan"],
                await bed.Store.Executors.HandOnOrphansAsync(A.HandOn(), TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit));
        }

        Assert.Equal(["held"], await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel));
    }

    [Fact]
    public async Task Ended_workflow_that_somebody_holds_is_left_to_the_next_collection()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var id in (string[])["one", "held", "two"])
        {
            await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, id)));
        }

        var scope = new RetentionScope(new RetentionPolicy { KeepNewest = 0 }, A.Application);
        var bound = (await bed.Store.Management.ReadRetentionBoundAsync(scope, Cancel))!.Value;
        var request = new RetentionRequest(scope, bound, null, 10);
        await using (await bed.HoldAsync("held"))
        {
            Assert.Equal(2, (await bed.Store.Management.CollectAsync(request, Cancel)).Deleted);
        }

        Assert.Equal(1, (await bed.Store.Management.CollectAsync(request, Cancel)).Deleted);
    }

    [Theory]
    [InlineData("due")]
    [InlineData("woken")]
    [InlineData("among")]
    [InlineData("page")]
    public async Task Parked_row_that_is_locked_is_passed_over_and_named(string scope)
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "held", Parking.ForMessage("held", wakeAtMs: 1));
        await Parking.ParkedAsync(bed, "free", Parking.ForMessage("free", wakeAtMs: 1));
        ParkedScope claimed = scope switch
        {
            "due" => new ParkedScope.Due(),
            "woken" => new ParkedScope.Woken(
                [new(StoreSignalKind.Message, "held::approval"), new(StoreSignalKind.Message, "free::approval")]),
            "among" => new ParkedScope.Among(["held", "free"]),
            _ => new ParkedScope.Page("", 10),
        };

        await using (await bed.HoldAsync("held"))
        {
            var claim = await bed.Store.Claims.ClaimParkedAsync(A.Claim("one"), claimed, Cancel);
            Assert.Equal(("free", "held", null), (Assert.Single(claim.Claimed).Id, Assert.Single(claim.PassedOver), claim.LastLookedAt));
        }

        var later = await bed.Store.Claims.ClaimParkedAsync(A.Claim("two"), new ParkedScope.Among(["held"]), Cancel);
        Assert.Equal("held", Assert.Single(later.Claimed).Id);
        Assert.Empty(later.PassedOver);
    }
}
