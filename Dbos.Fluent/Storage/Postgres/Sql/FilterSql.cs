using System.Globalization;
using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The conditions that a filter sets on rows <c>w</c> of <c>workflow_status</c>, with their parameters.</summary>
/// <remarks>
/// A statement contains only the requested conditions, and is planned with its values each time: one plan for every filter would suit none
/// of them.
/// </remarks>
internal sealed class FilterSql
{
    // Uses the collation of the list indexes, which differs from that of the columns, and their condition that the text is not null. So no
    // other statement can use one of those indexes, as a plan made while the tables are empty might.
    private const string Name = "w.name COLLATE \"C\"";
    private const string Queue = "w.queue_name COLLATE \"C\"";
    private const string Version = "w.application_version COLLATE \"C\"";

    private readonly List<string> conditions = [];
    private readonly List<NpgsqlParameter> parameters = [];
    private readonly IReadOnlyList<WorkflowState>? states;
    private readonly (string Column, string Value)? leading;

    /// <param name="schema">Where the tables are.</param>
    /// <param name="rows">The rows to find.</param>
    /// <param name="isList">True for a list, whose order <see cref="AddPlace"/> completes.</param>
    public FilterSql(SchemaName schema, FilteredRows rows, bool isList)
    {
        var filter = rows.Filter;
        leading = isList ? LeadingOf(filter) : null;
        states = filter.WantedStates;
        if (filter.QueuedOnly)
        {
            conditions.Add("w.queue_name IS NOT NULL");
            conditions.Add($"NOT (w.status = '{WorkflowStates.Delayed}' AND {SideSql.Waits(schema)})");
        }

        Add("w.workflow_uuid = ANY ({0}::text[])", filter.Ids is { } ids ? Texts(ids) : null);
        Add(ById + " > '' AND " + ById + " LIKE {0}", filter.IdPrefix is { } prefix ? Text(Literally(prefix) + "%") : null);
        AddText(Name, filter.Name);
        AddText(Queue, filter.Queue);
        AddText("w.executor_id", filter.ExecutorId);
        AddText(Version, filter.ApplicationVersion);
        AddText("w.parent_workflow_id", filter.ParentId);
        AddText("w.forked_from", filter.ForkedFrom);
        AddText("w.schedule_name", filter.ScheduleName);
        AddText("w.queue_partition_key", filter.PartitionKey);
        AddText("w.deduplication_id", filter.DeduplicationId);
        AddBound("w.created_at >=", EpochMs.Floor(filter.CreatedAfter));
        AddBound("w.created_at <", EpochMs.Ceiling(filter.CreatedBefore));
        AddBound("w.completed_at >=", EpochMs.Floor(filter.CompletedAfter));
        AddBound("w.completed_at <", EpochMs.Ceiling(filter.CompletedBefore));
        Add("w.attributes @> {0}", rows.AttributesJson is { } json ? Json(json) : null);
    }

    public NpgsqlParameter[] Parameters => [.. parameters];

    /// <summary>All conditions together.</summary>
    public string Where => states switch
    {
        null => Joined(conditions),
        [] => "WHERE false",
        _ => Joined([.. conditions, $"w.status IN ({string.Join(", ", states.Select(state => $"'{state.ToStored()}'"))})"]),
    };

    /// <summary>
    /// The same once for each state: such a part uses the partial index of its state, which a list of states cannot.
    /// </summary>
    public IReadOnlyList<string> WhereEach => states is null or []
        ? [Where]
        : [.. states.Select(state => Joined([.. conditions, StateIs(state)]))];

    /// <summary>Adds a parameter and gives its name.</summary>
    public string Parameter(NpgsqlParameter value)
    {
        parameters.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"${parameters.Count}");
    }

    /// <summary>
    /// The column before the moment in a list's order, whose index continues with the moment; null if the filter uses none.
    /// </summary>
    // With an equation the planner treats the column as a constant and takes the index of all moments, because it assumes that matching
    // rows are spread evenly. But the rows of a version or a name lie at one end.
    public string? Leading => leading?.Column;

    /// <summary>Restricts to rows behind a position in the order of a column of moments and the id.</summary>
    // The first condition allows the use of an index on the column alone.
    public void AddPlace(string column, PageKey? after, bool descending)
    {
        AddLeading(column, after, descending);
        if (after is { } place)
        {
            var (at, id) = (Parameter(Number(place.AtMs)), Parameter(Text(place.Id)));
            var beyond = descending ? "<" : ">";
            conditions.Add($"{column} {beyond}= {at} AND ({column} {beyond} {at} OR {ById} {beyond} {id})");
        }
    }

    /// <summary>Ids in an order independent of language, so that every database lists alike.</summary>
    public const string ById = "w.workflow_uuid COLLATE \"C\"";

    private static string Joined(List<string> conditions) =>
        conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions);

    // Waiting workflows have their own index for lists; other states use those of DBOS.
    private static string StateIs(WorkflowState state) => state is WorkflowState.Enqueued or WorkflowState.Delayed
        ? $"w.status COLLATE \"C\" = '{state.ToStored()}'"
        : $"w.status = '{state.ToStored()}'";

    private static (string Column, string Value)? LeadingOf(WorkflowFilter filter) => filter switch
    {
        { Ids: not null } or { IdPrefix: not null } or { ParentId: not null } or { ForkedFrom: not null } or { ScheduleName: not null }
            or { DeduplicationId: not null } or { WantedStates: not null } or { IsByCompletion: true } => null,
        { Name: { } name, Queue: null, ApplicationVersion: null } => (Name, name),
        { Name: null, Queue: { } queue, ApplicationVersion: null } => (Queue, queue),
        { Name: null, Queue: null, ApplicationVersion: { } version } => (Version, version),
        _ => null,
    };

    private void AddLeading(string moment, PageKey? after, bool descending)
    {
        if (leading is { } first)
        {
            var value = Parameter(Text(first.Value));
            var low = Parameter(Number(descending ? long.MinValue : after?.AtMs ?? long.MinValue));
            var high = Parameter(Number(descending ? after?.AtMs ?? long.MaxValue : long.MaxValue));
            conditions.Add($"{first.Column} > '' AND ({first.Column}, {moment}) >= ({value}, {low}) "
                + $"AND ({first.Column}, {moment}) <= ({value}, {high})");
        }
    }

    private void AddText(string column, string? value)
    {
        if (column != leading?.Column)
        {
            Add(column + " = {0}", value is null ? null : Text(value));
        }
    }

    private void AddBound(string comparison, long? value) => Add(comparison + " {0}", value is null ? null : Number(value));

    private void Add(string condition, NpgsqlParameter? value)
    {
        if (value is not null)
        {
            conditions.Add(string.Format(CultureInfo.InvariantCulture, condition, Parameter(value)));
        }
    }

    // Escapes what LIKE would read as a wild card.
    private static string Literally(string prefix) => prefix
        .Replace(@"\", @"\\", StringComparison.Ordinal)
        .Replace("%", @"\%", StringComparison.Ordinal)
        .Replace("_", @"\_", StringComparison.Ordinal);
}
