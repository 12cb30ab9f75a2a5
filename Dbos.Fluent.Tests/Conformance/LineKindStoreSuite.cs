using System.Globalization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Claims from lines in which rows of many versions, names and applications wait together.</summary>
public abstract class LineKindStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private const string Old = "v0";

    private static readonly RateLimit Rate = new(10_000, TimeSpan.FromHours(1));

    private static readonly Dictionary<string, WorkflowQueue> Queues = new()
    {
        ["plain"] = Queueing.Line,
        ["concurrency"] = Queueing.Line with { Concurrency = 1_000 },
        ["worker"] = Queueing.Line with { WorkerConcurrency = 1_000 },
        ["rate"] = Queueing.Line with { RateLimit = Rate },
        ["partitions"] = Queueing.Line with { PartitionConcurrency = 1_000 },
        ["rate of partitions"] = Queueing.Line with { PartitionRateLimit = Rate, Concurrency = 1_000 },
    };

    public static TheoryData<string> Kinds => [.. Queues.Keys];

    public static TheoryData<string> Whole => ["plain", "concurrency"];

    // Those of the old version under the old name have the code of today, and nobody is alive who runs them.
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Rows_that_only_others_run_are_passed_over_and_all_of_its_own_are_taken_in_order(string kind)
    {
        await using var bed = await ArrangeAsync(Queues[kind]);
        await bed.ExecuteAsync(
            $"""
            INSERT INTO fluent_versions (application_name, application_version, workflow_name, fingerprint)
            VALUES ('shop', 'v1', 'checkout', 'code'), ('shop', '{Old}', 'checkout', 'code'), ('shop', '{Old}', 'other', 'code')
            """);
        (string? Application, string? Version, string? Name)[] own =
        [
            ("shop", "v1", "checkout"), (null, "v1", "checkout"), ("shop", null, "checkout"), (null, null, "checkout"),
            ("shop", Old, "checkout"),
        ];
        (string? Application, string? Version, string? Name)[] foreign =
        [
            ("shop", "v2", "checkout"), ("shop", "a version", "checkout"), ("shop", "v1", "unknown"), ("shop", "v1", "also unknown"),
            ("bank", "v1", "checkout"), ("bank", null, "checkout"), ("shop", Old, "other"), ("shop", "", "checkout"), ("shop", "v1", null),
            ("shop", null, null), (null, "v2", "checkout"),
        ];
        var rows = Enumerable.Range(0, 60).Select(number => Row($"own{number:00}", own[number % own.Length], number, number % 3))
            .Concat(Enumerable.Range(0, 110).Select(
                number => Row($"foreign{number:000}", foreign[number % foreign.Length], number - 80, number % 3)));
        await InsertAsync(bed, rows);

        var taken = await DrainAsync(bed, Queues[kind], limit: 7);

        string[] expected = [.. Enumerable.Range(0, 60).Select(number => $"own{number:00}")];
        Assert.Equal(expected, Queues[kind].IsPartitioned ? taken.Order(StringComparer.Ordinal) : taken);
        var left = await bed.QueryAsync("SELECT count(*) AS n FROM workflow_status WHERE status = 'ENQUEUED' AND recovery_attempts = 0");
        Assert.Equal(110L, left[0]["n"]);
    }

    // One name has the first two hundred rows, then all take turns: no share of what a claim reads is large enough for it.
    [Theory]
    [MemberData(nameof(Whole))]
    public async Task Order_holds_among_many_names(string kind)
    {
        await using var bed = await ArrangeAsync(Queues[kind]);
        string[] names = [.. Enumerable.Range(0, 40).Select(number => $"name {number}")];
        await InsertAsync(bed, Enumerable.Range(0, 400).Select(
            number => Row($"w{number:000}", ("shop", "v1", names[number < 200 ? 7 : number % names.Length]), number)));

        var taken = await DrainAsync(bed, Queues[kind], limit: 50, names);

        Assert.Equal(Ids(0, 400), taken);
    }

    // What each name's share shows is less than is wanted, and less than peers may hold.
    [Theory]
    [MemberData(nameof(Whole))]
    public async Task Name_that_fills_the_head_of_a_line_is_taken_at_once_and_behind_what_peers_hold(string kind)
    {
        await using var bed = await ArrangeAsync(Queues[kind]);
        string[] names = [.. Enumerable.Range(0, 30).Select(number => $"name {number}")];
        await InsertAsync(bed, Enumerable.Range(0, 529).Select(
            number => Row($"w{number:000}", ("shop", "v1", names[number < 500 ? 0 : number - 499]), number)));

        if (!Fixture.LocksRows)
        {
            Assert.Equal(Ids(0, 100), (await ClaimAsync(bed, Queues[kind], "token", 100, names)).Ids);
            return;
        }

        await using var peer = await bed.BeginAsync();
        await peer.ExecuteAsync("UPDATE workflow_status SET priority = priority WHERE workflow_uuid < 'w050'");
        Assert.Equal(Ids(50, 100), (await ClaimAsync(bed, Queues[kind], "token", 100, names)).Ids);
    }

    [Fact]
    public async Task Rate_that_holds_back_one_of_several_names_says_when_it_has_room()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { RateLimit = new(20, TimeSpan.FromHours(1)) });
        string[] names = ["k0", "k1", "k2", "k3", "k4"];
        await InsertAsync(bed, Enumerable.Range(0, 220).Select(
            number => Row($"w{number:000}", ("shop", "v1", names[number < 100 ? 0 : 1 + (number % 4)]), number)));

        var claim = await bed.Store.Claims.ClaimLimitedAsync(
            A.Claim("token") with { WorkflowNames = names }, Queueing.Share(), Cancel);

        Assert.Equal(20, claim.Result.Claimed.Count);
        Assert.NotNull(claim.RetryAtMs);
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public async Task Rows_of_one_moment_are_taken_in_the_order_of_their_ids(string kind)
    {
        await using var bed = await ArrangeAsync(Queues[kind]);
        var ids = Ids(0, 200);
        var shuffled = ids.ToArray();
        new Random(7).Shuffle(shuffled);
        await InsertAsync(bed, shuffled.Select(id => Row(id, ("shop", "v1", "checkout"), 0)));

        Assert.Equal(ids, await DrainAsync(bed, Queues[kind], limit: 6));
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public async Task Rows_that_have_a_partition_keep_their_place_in_a_queue_that_has_none(string kind)
    {
        await using var bed = await ArrangeAsync(Queues[kind]);
        await InsertAsync(bed, Enumerable.Range(0, 90).Select(
            number => Row($"w{number:000}", ("shop", "v1", "checkout"), number, number is >= 30 and < 60 ? null : number % 7)));

        Assert.Equal(Ids(0, 90), await DrainAsync(bed, Queues[kind], limit: 9));
    }

    [Fact]
    public async Task Row_without_a_partition_behind_very_many_with_one_is_taken_with_the_first()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { PartitionConcurrency = 1 });
        await InsertAsync(bed, Enumerable.Range(0, 700).Select(number => Row($"w{number:000}", ("shop", "v1", "checkout"), number, 0)));
        await InsertAsync(bed, [Row("stray", ("shop", "v1", "checkout"), 1_000), Row("other's", ("shop", "v2", "checkout"), 1)]);

        Assert.Equal(["stray", "w000"], (await Queueing.ClaimIdsAsync(bed, "token", share: Queueing.Share(after: "p0"))).Order());
        Assert.Null((await bed.RowAsync("other's"))["queue_partition_key"]);
    }

    // More than a claim gives a partition, of the last of many names.
    [Fact]
    public async Task Many_rows_without_a_partition_are_all_taken_by_claims_that_follow_one_another()
    {
        await using var bed = await ArrangeAsync(Queues["partitions"]);
        string[] names = [.. Enumerable.Range(0, 20).Select(number => $"name {number:00}")];
        await InsertAsync(bed, Enumerable.Range(0, 450).Select(
            number => Row($"w{number:000}", ("shop", "v1", names[number < 19 ? number : 19]), number)));

        var taken = await DrainAsync(bed, Queues["partitions"], limit: 250, names);

        Assert.Equal(Ids(0, 450), taken.Order(StringComparer.Ordinal));
    }

    private async Task<StoreBed> ArrangeAsync(WorkflowQueue queue)
    {
        var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, queue);
        return bed;
    }

    private static string[] Ids(int first, int count) => [.. Enumerable.Range(first, count).Select(number => $"w{number:000}")];

    private static string Row(string id, (string? Application, string? Version, string? Name) kind, int createdAt, int? partition = null) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"('{id.Replace("'", "''")}', 'ENQUEUED', {Text(kind.Name)}, {Text(kind.Application)}, {Text(kind.Version)}, '{A.Queue}', "
            + $"{(partition is null ? "NULL" : $"'p{partition}'")}, 0, {1_000 + createdAt}, 1000, 'dotnet_msgpack', 0)");

    private static string Text(string? value) => value is null ? "NULL" : $"'{value}'";

    private static Task<int> InsertAsync(StoreBed bed, IEnumerable<string> rows) => bed.ExecuteAsync(
        $"""
        INSERT INTO workflow_status (
            workflow_uuid, status, name, application_name, application_version, queue_name, queue_partition_key, priority, created_at,
            updated_at, serialization, recovery_attempts)
        VALUES {string.Join(", ", rows)}
        """);

    // As the engine does: again while there is more, or as many as it asked for.
    private static async Task<List<string>> DrainAsync(StoreBed bed, WorkflowQueue queue, int limit, string[]? names = null)
    {
        var (taken, after) = (new List<string>(), "");
        for (var claims = 0; ; claims++)
        {
            Assert.InRange(claims, 0, 200);
            (var ids, var more, after) = await ClaimAsync(bed, queue, $"token {claims}", limit, names ?? [A.Name], after);
            taken.AddRange(ids);
            if (!more && ids.Count < limit)
            {
                return taken;
            }
        }
    }

    private static async Task<(List<string> Ids, bool More, string After)> ClaimAsync(
        StoreBed bed, WorkflowQueue queue, string token, int limit, string[] names, string after = "")
    {
        var request = A.Claim(token, limit) with { WorkflowNames = names };
        var claim = queue.IsLimited
            ? await bed.Store.Claims.ClaimLimitedAsync(request, Queueing.Share(after: after), Cancel)
            : new LimitedClaim(await bed.Store.Claims.ClaimAsync(request, Cancel), false, null, "");
        return ([.. Queueing.IdsOf(claim)], claim.More || claim.Result.More, claim.LastPartition);
    }
}
