using System.Data.Common;
using System.Globalization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>One database under test: stores on it, and plain SQL to arrange and to look.</summary>
internal abstract class StoreBed : IAsyncDisposable
{
    // Parents first, so that what refers to a row is printed after it.
    private static readonly string[] Tables = ["workflow_status", "workflow_input", "workflow_output", "operation_outputs"];

    private readonly List<IStore> opened = [];
    private IStore? store;

    /// <summary>The clock of workflow time of every store on this bed.</summary>
    public ManualTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));

    public IStore Store => store ??= Open();

    /// <summary>A further store on the same database, as another process would have; disposed with the bed.</summary>
    public IStore Open(TimeSpan? commandTimeout = null) => Track(Make(Options(commandTimeout ?? TimeSpan.FromSeconds(30))));

    /// <summary>Holds the lock that a writer of this workflow's row needs, from another connection, until disposed.</summary>
    public abstract Task<IAsyncDisposable> HoldAsync(string workflowId);

    /// <summary>A transaction as a program that uses the library begins one of its own, on a connection of its own.</summary>
    public async Task<CallersTransaction> BeginAsync()
    {
        var connection = await ConnectAsync();
        return new CallersTransaction(connection, await connection.BeginTransactionAsync());
    }

    public async Task<int> ExecuteAsync(string sql, params (string Name, object? Value)[] parameters)
    {
        await using var connection = await ConnectAsync();
        await using var command = Command(connection, sql, parameters);
        return await command.ExecuteNonQueryAsync();
    }

    public async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> QueryAsync(
        string sql, params (string Name, object? Value)[] parameters)
    {
        await using var connection = await ConnectAsync();
        await using var command = Command(connection, sql, parameters);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<IReadOnlyDictionary<string, object?>>();
        while (await reader.ReadAsync())
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, column => Plain(reader.GetValue(column))));
        }

        return rows;
    }

    /// <summary>The workflow's row of a table, by column.</summary>
    public async Task<IReadOnlyDictionary<string, object?>> RowAsync(string workflowId, string table = "workflow_status") =>
        Assert.Single(await QueryAsync($"SELECT * FROM {table} WHERE workflow_uuid = @id", ("@id", workflowId)));

    /// <summary>Everything that a running workflow can write, as text, to see that nothing changed.</summary>
    public async Task<string> DumpAsync()
    {
        var lines = new List<string>();
        foreach (var table in Tables)
        {
            foreach (var row in await QueryAsync($"SELECT * FROM {table}"))
            {
                lines.Add(table + ": " + string.Join(
                    ", ", row.Where(column => column.Value is not null).Select(column => $"{column.Key}={column.Value}")));
            }
        }

        return string.Join('\n', lines.Order(StringComparer.Ordinal));
    }

    public async Task<long> CountAsync(string table) => (long)(await QueryAsync($"SELECT count(*) AS n FROM {table}"))[0]["n"]!;

    public async Task<IReadOnlyList<string>> ColumnsAsync(string table)
    {
        await using var connection = await ConnectAsync();
        await using var command = Command(connection, $"SELECT * FROM {table} LIMIT 0");
        await using var reader = await command.ExecuteReaderAsync();
        return [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)];
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var each in opened)
        {
            await each.DisposeAsync();
        }
    }

    protected StoreOptions Options(TimeSpan commandTimeout) =>
        new() { Time = Time, Logger = NullLogger.Instance, CommandTimeout = commandTimeout };

    protected IStore Track(IStore made)
    {
        opened.Add(made);
        return made;
    }

    protected abstract IStore Make(StoreOptions options);

    protected abstract Task<DbConnection> ConnectAsync();

    protected static DbCommand Command(DbConnection connection, string sql, params (string Name, object? Value)[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    // The engines differ in the width of their numbers and in what a truth value is.
    private static object? Plain(object value) => value switch
    {
        DBNull => null,
        bool truth => truth ? 1L : 0L,
        short or int => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        _ => value,
    };
}
