using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>What may be of any size is sent and read in portions, each of which comes in time.</summary>
public sealed class PostgresPortionTests(PostgresStores stores) : StoreSuite(stores), IClassFixture<PostgresStores>
{
    private static readonly ClaimSql Claims = new(new SchemaName(PostgresStores.Schema));

    [Fact]
    public void Starts_are_cut_by_number_and_by_the_size_of_their_inputs()
    {
        var large = new Payload(new string('x', 6 << 20), A.Native);
        var small = Enumerable.Range(0, 4_500).Select(number => A.Start(A.Enqueued($"w{number:0000}"))).ToArray();
        var mixed = Enumerable.Range(0, 7)
            .Select(number => A.Start(A.Enqueued($"w{number}") with { Input = number == 3 ? new(new string('y', 20 << 20), null) : large }))
            .ToArray();

        Assert.Equal([2_000, 2_000, 500], PostgresBulkStarts.Portions(small).Select(portion => portion.Length));
        Assert.Equal([2, 1, 1, 2, 1], PostgresBulkStarts.Portions(mixed).Select(portion => portion.Length));
        Assert.Equal(Enumerable.Range(0, 4_500), PostgresBulkStarts.Portions(small).SelectMany(portion => portion));
    }

    [Fact]
    public async Task Answer_of_a_claim_holds_no_more_than_a_little_of_large_inputs()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await EnqueueAsync(
            bed,
            [.. "abcd".Select(letter => A.Enqueued($"{letter}") with { Input = new Payload(new string(letter, 40_000), A.Native) })]);
        await using var source = NpgsqlDataSource.Create(bed.ConnectionString);

        var (here, out1) = await ReadAsync(source, Claims.Claim,
        [
            PostgresParameters.Number(bed.Time.NowMs),
            .. ((string[])["token", A.ExecutorId, A.Application, A.Version]).Select(PostgresParameters.Text),
            PostgresParameters.Texts([A.Name]),
            PostgresParameters.Small(10),
            PostgresParameters.Small(null),
            PostgresParameters.Number(1),
            PostgresParameters.Texts([A.Queue]),
        ]);
        var (again, out2) = await ReadAsync(
            source, Claims.ReadClaimed, [PostgresParameters.Text("token"), PostgresParameters.Text(A.ExecutorId)]);

        Assert.Equal((1, 1), (here, again));
        Assert.Equal([40_000, 40_000, 40_000], out1);
        Assert.Equal([40_000, 40_000, 40_000], out2);
    }

    [Fact]
    public async Task Inputs_that_are_late_are_read_half_as_many_at_once()
    {
        var asked = new List<int>();
        var inputs = new PostgresInputs((ids, _) =>
        {
            asked.Add(ids.Length);
            return ids.Length > 2
                ? throw CallFaults.TimedOut()
                : Task.FromResult(ids.Where(id => id != "w1").Select(id => KeyValuePair.Create(id, (string?)("text of " + id))).ToList());
        });

        var rows = await inputs.AddAsync([Row("here", null), .. Enumerable.Range(0, 7).Select(number => Row($"w{number}", 10))], Cancel);

        Assert.Equal(["here", "w0", "w2", "w3", "w4", "w5", "w6"], rows.Select(row => row.Id));
        Assert.Equal(["input", .. rows.Skip(1).Select(row => "text of " + row.Id)], rows.Select(row => row.Workflow!.Input.Text));
        Assert.Equal([7, 3, 1, 1, 1, 1, 1, 1, 1], asked);
    }

    [Fact]
    public async Task Inputs_are_read_in_portions_of_their_size()
    {
        var asked = new List<int>();
        var inputs = new PostgresInputs((ids, _) =>
        {
            asked.Add(ids.Length);
            return Task.FromResult(ids.Select(id => KeyValuePair.Create(id, (string?)id)).ToList());
        });

        await inputs.AddAsync(
            [.. ((int[])[7, 7, 7, 20, 1, 15]).Index().Select(one => Row($"w{one.Index}", one.Item << 20))], Cancel);

        Assert.Equal([2, 1, 1, 2], asked);
    }

    private static ClaimRow Row(string id, long? leftOut) => new(
        id,
        false,
        new ClaimedWorkflow { Id = id, Name = A.Name, Token = "t", Attempt = 1, Origin = default, Input = new("input", A.Native) },
        null,
        false,
        0,
        0)
    {
        LeftOutBytes = leftOut,
    };

    private static async Task<(int Inputs, List<long> LeftOut)> ReadAsync(NpgsqlDataSource source, string sql, NpgsqlParameter[] parameters)
    {
        await using var command = source.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var (inputs, leftOut) = (0, new List<long>());
        while (await reader.ReadAsync(Cancel))
        {
            inputs += await reader.IsDBNullAsync(4, Cancel) ? 0 : 1;
            if (!await reader.IsDBNullAsync(17, Cancel))
            {
                leftOut.Add(reader.GetInt64(17));
            }
        }

        return (inputs, leftOut);
    }
}
