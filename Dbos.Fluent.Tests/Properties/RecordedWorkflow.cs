using System.Globalization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Properties;

/// <summary>A workflow as it stands in the tables, read behind the engine's back.</summary>
internal sealed record RecordedWorkflow(string Id, string Outcome, IReadOnlyList<RecordedRow> Rows)
{
    private const string Workflows = """
        SELECT w.workflow_uuid, w.status, o.output, o.error, w.serialization
          FROM workflow_status w LEFT JOIN workflow_output o ON o.workflow_uuid = w.workflow_uuid
        """;

    private const string Checkpoints = """
        SELECT workflow_uuid, function_id, function_name, output, error, serialization, child_workflow_id
          FROM operation_outputs ORDER BY workflow_uuid, function_id
        """;

    private static readonly PayloadSerializer Serializer = new();

    public static async Task<IReadOnlyDictionary<string, RecordedWorkflow>> ReadAllAsync(TestDatabase database)
    {
        var rows = (await database.QueryAsync(Checkpoints)).ToLookup(row => row[0]!, Row);
        var workflows = await database.QueryAsync(Workflows);
        return workflows.ToDictionary(
            row => row[0]!, row => new RecordedWorkflow(row[0]!, $"{row[1]} {row[2]} {Failure(row[3], row[4])}", [.. rows[row[0]!]]));
    }

    /// <summary>The children that it started and its rows know of, by the row that started each.</summary>
    public IEnumerable<RecordedRow> Starts => Rows.Where(row => row.StartsChild);

    private static RecordedRow Row(string?[] row)
    {
        // The moment at which a sleep ends is another one on every run.
        var output = row[2] == "DBOS.sleep" ? "(moment)" : row[3];
        var text = $"{row[2]} {output} {Failure(row[4], row[5])} {row[6]}";
        return new(int.Parse(row[1]!, CultureInfo.InvariantCulture), row[2]!, text, row[6]);
    }

    private static string Failure(string? error, string? format) =>
        error is null ? "" : Text(Serializer.DecodeFailure(new Payload(error, format)));

    private static string Text(RecordedFailure failure) =>
        $"{failure.TypeName}: {failure.Message} [{string.Join(", ", failure.Inner.Select(Text))}]";
}

/// <summary>A checkpoint.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="Name">The step's name.</param>
/// <param name="Text">All of it that must be the same on every run.</param>
/// <param name="ChildId">The workflow that was started or awaited.</param>
internal sealed record RecordedRow(int Sequence, string Name, string Text, string? ChildId)
{
    /// <summary>True where the child was started, not awaited.</summary>
    public bool StartsChild => ChildId is not null && Name != "DBOS.getResult";
}
