using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// Origins: what seeds a workflow's deterministic clock and ids is the same on each run, and that of the source for a fork.
/// </summary>
public abstract class OriginStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Enqueued_workflow_keeps_the_origin_of_its_first_claim()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        var first = (await ClaimOneAsync(bed.Store, A.Claim("token"))).Origin;
        Assert.Equal(bed.Time.NowMs, first.StartedAtMs);

        bed.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(["w"], await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel));
        var second = await ClaimOneAsync(bed.Open(), A.Claim("token 2"));

        Assert.Equal(first, second.Origin);
        Assert.Equal(2, second.Attempt);
    }

    [Fact]
    public async Task Look_at_what_could_be_adopted_begins_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        await bed.Store.Versions.ReadUnfinishedAsync(A.Application, A.Version, "", 10, Cancel);
        bed.Time.Advance(TimeSpan.FromDays(2));

        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.Equal((bed.Time.NowMs, true), (claimed.Origin.StartedAtMs, claimed.NeverRan));
    }

    [Fact]
    public async Task Repeated_claim_gives_the_origin_that_the_first_one_stored()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        var first = (await ClaimOneAsync(bed.Store, A.Claim("token"))).Origin;
        bed.Time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(first, (await ClaimOneAsync(bed.Store, A.Claim("token") with { Repeated = true })).Origin);
    }

    [Fact]
    public async Task Two_workflows_have_two_seeds()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, [.. Enumerable.Range(0, 20).Select(number => A.Enqueued($"w{number}"))]);

        var claimed = (await bed.Store.Claims.ClaimAsync(A.Claim("token"), Cancel)).Claimed;

        Assert.Equal(20, claimed.Select(workflow => workflow.Origin.Seed).Distinct().Count());
    }

    [Fact]
    public async Task Direct_start_that_is_taken_over_has_the_origin_that_follows_from_its_row()
    {
        await using var bed = await Fixture.CreateAsync();
        var started = bed.Time.NowMs;
        await RunningAsync(bed, "w");
        bed.Time.Advance(TimeSpan.FromHours(1));
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.Equal(WorkflowOrigin.OfDirectStart("w", started), claimed.Origin);
        Assert.Equal(2, claimed.Attempt);
    }

    [Fact]
    public async Task Fork_of_a_direct_start_has_the_origin_of_its_source()
    {
        await using var bed = await Fixture.CreateAsync();
        var started = bed.Time.NowMs;
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "source")));
        await ForkAsync(bed, "source", "fork");

        Assert.Equal(WorkflowOrigin.OfDirectStart("source", started), (await ClaimOneAsync(bed.Store, A.Claim("token"))).Origin);
    }

    [Fact]
    public async Task Fork_of_a_fork_has_the_origin_of_the_first_source()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("source"));
        var origin = (await ClaimOneAsync(bed.Store, A.Claim("token"))).Origin;
        await CommitAsync(bed.Store, A.Outcome(new Ownership("source", "token")));
        await ForkAsync(bed, "source", "fork");
        await ForkAsync(bed, "fork", "fork of fork");

        var claimed = (await bed.Store.Claims.ClaimAsync(A.Claim("token 2"), Cancel)).Claimed;

        Assert.Equal(["fork", "fork of fork"], claimed.Select(workflow => workflow.Id).Order());
        Assert.All(claimed, workflow => Assert.Equal(origin, workflow.Origin));
    }

    [Fact]
    public async Task Fork_keeps_its_own_copy_when_its_source_is_deleted()
    {
        await using var bed = await Fixture.CreateAsync();
        var started = bed.Time.NowMs;
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "source")));
        await ForkAsync(bed, "source", "fork");
        await ClaimOneAsync(bed.Store, A.Claim("token"));
        await bed.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'source'");
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

        Assert.Equal(WorkflowOrigin.OfDirectStart("source", started), (await ClaimOneAsync(bed.Store, A.Claim("token 2"))).Origin);
    }

    [Fact]
    public async Task Fork_whose_source_is_gone_has_an_origin_of_its_own_and_keeps_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("fork"));
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'long gone'");
        var first = (await ClaimOneAsync(bed.Store, A.Claim("token"))).Origin;
        bed.Time.Advance(TimeSpan.FromHours(1));
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

        Assert.Equal(first, (await ClaimOneAsync(bed.Store, A.Claim("token 2"))).Origin);
    }

    [Fact]
    public async Task Forks_that_name_each_other_do_not_hang_a_claim()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"));
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = CASE workflow_uuid WHEN 'a' THEN 'b' ELSE 'a' END");

        Assert.Equal(["a", "b"], await ClaimIdsAsync(bed.Store, A.Claim("token")).Within(Bounded.Limit));
    }

    [Fact]
    public async Task Origin_is_deleted_with_its_workflow()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        await ClaimOneAsync(bed.Store, A.Claim("token"));
        Assert.Equal(1, await bed.CountAsync("fluent_origins"));

        await bed.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'w'");

        Assert.Equal(0, await bed.CountAsync("fluent_origins"));
    }

    // As any SDK forks: a new row in the internal queue that names its source.
    private static async Task ForkAsync(StoreBed bed, string source, string fork)
    {
        bed.Time.Advance(TimeSpan.FromMinutes(1));
        await EnqueueAsync(bed, A.Enqueued(fork) with { Queue = A.InternalQueue });
        await bed.ExecuteAsync(
            "UPDATE workflow_status SET forked_from = @source WHERE workflow_uuid = @fork", ("@source", source), ("@fork", fork));
    }
}
