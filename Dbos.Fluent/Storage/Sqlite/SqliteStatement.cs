using SQLitePCL;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>A prepared statement that is kept for the life of its connection. Disposing a use resets it for the next use.</summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 connection;
    private readonly sqlite3_stmt statement;
    private readonly Dictionary<string, int> parameters = new(StringComparer.Ordinal);

    public SqliteStatement(sqlite3 connection, sqlite3_stmt statement)
    {
        this.connection = connection;
        this.statement = statement;
        for (var index = 1; index <= raw.sqlite3_bind_parameter_count(statement); index++)
        {
            parameters.Add(raw.sqlite3_bind_parameter_name(statement, index).utf8_to_string(), index);
        }
    }

    /// <summary>True if the statement is not kept, so that it ends with its use.</summary>
    public bool IsUsedOnce { get; init; }

    public SqliteStatement Bind(string name, string? value)
    {
        var index = parameters[name];
        Check(value is null ? raw.sqlite3_bind_null(statement, index) : raw.sqlite3_bind_text(statement, index, value));
        return this;
    }

    public SqliteStatement Bind(string name, long? value)
    {
        var index = parameters[name];
        Check(value is { } number ? raw.sqlite3_bind_int64(statement, index, number) : raw.sqlite3_bind_null(statement, index));
        return this;
    }

    public SqliteStatement BindReal(string name, double? value)
    {
        var index = parameters[name];
        Check(value is { } number ? raw.sqlite3_bind_double(statement, index, number) : raw.sqlite3_bind_null(statement, index));
        return this;
    }

    /// <summary>Moves to the next row.</summary>
    /// <returns>False at the end.</returns>
    public bool Step()
    {
        var code = raw.sqlite3_step(statement);
        return code switch
        {
            raw.SQLITE_ROW => true,
            raw.SQLITE_DONE => false,
            _ => throw SqliteErrors.Of(connection, code),
        };
    }

    /// <summary>Runs the statement to its end.</summary>
    /// <returns>How many rows it inserted, updated or deleted.</returns>
    public int Execute()
    {
        while (Step())
        {
            continue;
        }

        return raw.sqlite3_changes(connection);
    }

    public string Text(int column) => TextOrNull(column)
        ?? throw new InvalidOperationException(
            $"Column '{raw.sqlite3_column_name(statement, column).utf8_to_string()}' is NULL where a text is required, in the result of: "
            + raw.sqlite3_sql(statement).utf8_to_string());

    public string? TextOrNull(int column) =>
        IsNull(column) ? null : raw.sqlite3_column_text(statement, column).utf8_to_string();

    public long Int64(int column) => raw.sqlite3_column_int64(statement, column);

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    public double? RealOrNull(int column) => IsNull(column) ? null : raw.sqlite3_column_double(statement, column);

    public int Int32(int column) => checked((int)Int64(column));

    public bool Truth(int column) => Int64(column) != 0;

    /// <summary>Ends this use: an unfinished statement would hold its snapshot.</summary>
    public void Dispose()
    {
        if (IsUsedOnce)
        {
            Close();
            return;
        }

        // A reset repeats the code of the last step, which has been thrown already.
        _ = raw.sqlite3_reset(statement);
        _ = raw.sqlite3_clear_bindings(statement);
    }

    public void Close() => _ = raw.sqlite3_finalize(statement);

    private bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw SqliteErrors.Of(connection, code);
        }
    }
}
