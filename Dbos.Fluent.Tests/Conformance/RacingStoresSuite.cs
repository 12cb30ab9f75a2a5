using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Two processes at one database, at the same moment: what only one may have, one has.</summary>
public abstract class RacingStoresSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private const int ClaimRaces = 100;
    private const int StartRaces = 400;
    private const int DeleteRaces = 200;

    [Fact]
    public async Task One_of_two_claims_wins_each_workflow()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];
        await StatusesAsync(bed.Store, [.. Enumerable.Range(0, ClaimRaces).Select(number => A.Start(A.Enqueued($"w{number}")))]);

        for (var race = 0; race < ClaimRaces; race++)
        {
            var request = A.Claim($"token {race}", limit: 1);
            var claims = await Task.WhenAll(
                stores.Select((store, index) => store.Claims.ClaimAsync(request with { Token = $"{request.Token} of {index}" }, Cancel)))
                .Within(Bounded.Limit);
            var ids = claims.SelectMany(claim => claim.Claimed).Select(workflow => workflow.Id).ToList();
            Assert.Equal(ids.Count, ids.Distinct().Count());
            await StatusesAsync(
                bed.Store, [.. claims.SelectMany(claim => claim.Claimed).Select(workflow => A.Outcome(new(workflow.Id, workflow.Token)))]);
        }

        await EndedOnceEachAsync(bed, ClaimRaces);
    }

    [Fact]
    public async Task One_workflow_is_won_by_one_of_two_claims()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];

        for (var race = 0; race < ClaimRaces; race++)
        {
            await CommitAsync(bed.Store, A.Start(A.Enqueued($"w{race}")));
            var token = $"token {race}";
            var claims = await Task.WhenAll(
                stores.Select((store, index) => store.Claims.ClaimAsync(A.Claim($"{token} of {index}"), Cancel)))
                .Within(Bounded.Limit);

            var winner = Assert.Single(claims.SelectMany(claim => claim.Claimed));
            Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, A.Outcome(new(winner.Id, winner.Token)))).Status);
        }
    }

    [Fact]
    public async Task Many_claimers_share_a_long_line_without_overlap()
    {
        await using var bed = await Fixture.CreateAsync();
        await StatusesAsync(bed.Store, [.. Enumerable.Range(0, 500).Select(number => A.Start(A.Enqueued($"w{number}")))]);
        IStore[] stores = [bed.Store, bed.Open(), bed.Open()];

        var shares = await Task.WhenAll(stores.Select((store, index) => DrainAsync(store, $"claimer {index}")))
            .Within(TimeSpan.FromMinutes(2));

        Assert.Equal(500, shares.Sum(share => share.Count));
        Assert.Equal(500, shares.SelectMany(share => share).Distinct().Count());
    }

    [Fact]
    public async Task One_of_two_starts_of_one_id_makes_the_row_and_the_other_attaches()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];

        for (var race = 0; race < StartRaces; race++)
        {
            var id = $"w{race}";
            var statuses = await Task.WhenAll(stores.Select(
                async (store, index) => (await CommitAsync(store, A.Start(A.Direct(id) with { Token = $"token of {index}" }))).Status))
                .Within(Bounded.Limit);
            Assert.Equal([CommitStatus.Written, CommitStatus.Attached], statuses.Order());
        }

        Assert.Equal(StartRaces, await bed.CountAsync("workflow_status"));
        Assert.Equal(StartRaces, await bed.CountAsync("workflow_input"));
    }

    // Whatever was left would be met by the next workflow of that id: as its own history.
    [Fact]
    public async Task A_delete_that_meets_a_workflow_as_it_begins_leaves_nothing_of_it()
    {
        await using var bed = await Fixture.CreateAsync();
        var peer = bed.Open();

        for (var race = 0; race < DeleteRaces; race++)
        {
            var owner = new Ownership("w", $"token {race}");
            var running = RunAsync(owner);
            IReadOnlyList<string> deleted;
            do
            {
                deleted = await peer.Management.DeleteAsync(["w"], false, Cancel);
            }
            while (deleted.Count == 0);

            await running.Within(Bounded.Limit);
            foreach (var table in new[] { "workflow_status", "workflow_input", "workflow_output", "operation_outputs", "fluent_waits" })
            {
                Assert.True(await bed.CountAsync(table) == 0, $"{table} after race {race}");
            }
        }

        async Task RunAsync(Ownership owner)
        {
            await CommitAsync(bed.Store, A.Start(A.Direct("w") with { Token = owner.Token }));
            for (var sequence = 0; ; sequence++)
            {
                if ((await CommitAsync(bed.Store, A.Checkpoints(owner, sequence))).Status == CommitStatus.NotOwned)
                {
                    return;
                }
            }
        }
    }

    [Fact]
    public async Task One_of_two_starts_with_one_deduplication_id_wins()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];

        for (var race = 0; race < ClaimRaces; race++)
        {
            var row = A.Enqueued($"w{race}") with { DeduplicationId = $"only {race}" };
            var statuses = await Task.WhenAll(stores.Select(
                async (store, index) => (await CommitAsync(store, A.Start(row with { Id = $"{row.Id} of {index}" }))).Status))
                .Within(Bounded.Limit);
            Assert.Equal([CommitStatus.Written, CommitStatus.Deduplicated], statuses.Order());
        }
    }

    [Fact]
    public async Task Crossing_batches_of_two_stores_do_not_lock_each_other_out()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];
        var owners = new List<Ownership>();
        foreach (var number in Enumerable.Range(0, 40))
        {
            owners.Add(await RunningAsync(bed, $"w{number}"));
        }

        for (var round = 0; round < 50; round++)
        {
            await Task.WhenAll(stores.Select(
                (store, index) => WriteAllAsync(store, index == 0 ? owners : [.. owners.AsEnumerable().Reverse()], round * 2 + index)))
                .Within(Bounded.Limit);
        }

        Assert.Equal(40 * 100, await bed.CountAsync("operation_outputs"));
    }

    [Fact]
    public async Task Owner_and_hand_on_at_once_leave_either_the_outcome_or_a_free_row()
    {
        await using var bed = await Fixture.CreateAsync();
        var other = bed.Open();

        for (var race = 0; race < ClaimRaces; race++)
        {
            var owner = await RunningAsync(bed, $"w{race}");
            var outcome = bed.Store.Commits.CommitWaitingAsync(A.Outcome(owner), Cancel).AsTask();
            var handedOn = other.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

            var written = (await outcome.Within(Bounded.Limit)).Status == CommitStatus.Written;
            Assert.Equal(written ? None : [owner.WorkflowId], await handedOn.Within(Bounded.Limit));
            Assert.Equal(written ? "SUCCESS" : "ENQUEUED", (await bed.RowAsync(owner.WorkflowId))["status"]);
        }
    }

    [Fact]
    public async Task One_of_two_incarnations_gets_the_executor_id()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];

        for (var race = 0; race < 50; race++)
        {
            var results = await Task.WhenAll(stores.Select(
                (store, index) => store.Executors.RegisterAsync(A.Executor($"executor {race}", $"launch {index}"), Cancel)));
            Assert.Single(results, result => result.Registered);
        }
    }

    // A unit that ran into the other store's lock is written apart, as the engine does it.
    private static async Task WriteAllAsync(IStore store, IReadOnlyList<Ownership> owners, int sequence)
    {
        var units = owners.Select(owner => A.Checkpoints(owner, sequence)).ToArray();
        var statuses = await StatusesAsync(store, units);
        foreach (var (index, status) in statuses.Index())
        {
            var final = status == CommitStatus.Busy ? (await store.Commits.CommitWaitingAsync(units[index], Cancel)).Status : status;
            Assert.Equal(CommitStatus.Written, final);
        }
    }

    private static async Task<List<string>> DrainAsync(IStore store, string token)
    {
        var taken = new List<string>();
        for (var empty = 0; empty < 3;)
        {
            var ids = await ClaimIdsAsync(store, A.Claim($"{token} {taken.Count} {empty}", limit: 10));
            empty = ids.Length == 0 ? empty + 1 : 0;
            taken.AddRange(ids);
        }

        return taken;
    }

    private static async Task EndedOnceEachAsync(StoreBed bed, int count)
    {
        var rows = await bed.QueryAsync("SELECT status, recovery_attempts FROM workflow_status");
        Assert.Equal(count, rows.Count);
        Assert.All(rows, row => HasColumns(row, ("status", "SUCCESS"), ("recovery_attempts", 1)));
    }
}
