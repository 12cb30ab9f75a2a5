using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>One open connection with its prepared statements. It belongs to one thread.</summary>
internal sealed class SqliteSession : IDisposable
{
    private static readonly bool ProviderSet = SetProvider();
    private readonly sqlite3 connection;
    private readonly Dictionary<string, SqliteStatement> statements = new(ReferenceEqualityComparer.Instance);

    private SqliteSession(sqlite3 connection) => this.connection = connection;

    private bool IsBorrowed { get; init; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file; <c>:memory:</c> for a database of this session alone.</param>
    /// <param name="setUp">Pragmas that are run first.</param>
    /// <param name="flags">Further flags of <c>sqlite3_open_v2</c>, such as the one that creates the file.</param>
    public static SqliteSession Open(string path, string setUp, int flags = 0)
    {
        // The driver's own waits are switched off: they are coarse, and the thread could not be stopped in one.
        _ = ProviderSet;
        var code = raw.sqlite3_open_v2(path, out var opened, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX | flags, null);
        var session = new SqliteSession(opened);
        try
        {
            if (code != raw.SQLITE_OK)
            {
                throw SqliteErrors.Of(opened, code);
            }

            _ = raw.sqlite3_extended_result_codes(opened, 1);
            _ = raw.sqlite3_busy_timeout(opened, 0);
            session.ExecuteScript(setUp);
            return session;
        }
        catch (SqliteException)
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Works on another owner's connection, which stays open when this session is disposed.</summary>
    public static SqliteSession Borrow(sqlite3 connection) => new(connection) { IsBorrowed = true };

    /// <summary>Begins a use of a statement, which is prepared once. Statement texts are constants, so their identity is the key.</summary>
    public SqliteStatement Use(string sql)
    {
        if (!statements.TryGetValue(sql, out var statement))
        {
            statement = new SqliteStatement(connection, Prepare(sql, raw.SQLITE_PREPARE_PERSISTENT));
            statements.Add(sql, statement);
        }

        return statement;
    }

    /// <summary>Begins the only use of a statement whose text is built for it. The statement is not kept.</summary>
    public SqliteStatement UseOnce(string sql) => new(connection, Prepare(sql, flags: 0)) { IsUsedOnce = true };

    /// <summary>Runs a statement without parameters and results.</summary>
    public void Execute(string sql)
    {
        using var statement = Use(sql);
        statement.Execute();
    }

    /// <summary>Runs statements that are needed only once.</summary>
    public void ExecuteScript(string sql)
    {
        var code = raw.sqlite3_exec(connection, sql);
        if (code != raw.SQLITE_OK)
        {
            throw SqliteErrors.Of(connection, code);
        }
    }

    /// <summary>Rolls back a transaction that failed; SQLite has already done so after the worst errors.</summary>
    public void RollBack()
    {
        if (raw.sqlite3_get_autocommit(connection) == 0)
        {
            _ = raw.sqlite3_exec(connection, TransactionSql.RollBack);
        }
    }

    /// <summary>Rolls back to the savepoint, if it exists, and keeps the rest of the transaction.</summary>
    public void RollBackPart()
    {
        _ = raw.sqlite3_exec(connection, TransactionSql.RollBackToSavepoint);
        _ = raw.sqlite3_exec(connection, TransactionSql.ReleaseSavepoint);
    }

    public void Dispose()
    {
        foreach (var statement in statements.Values)
        {
            statement.Close();
        }

        statements.Clear();
        if (!IsBorrowed)
        {
            _ = raw.sqlite3_close_v2(connection);
        }
    }

    private sqlite3_stmt Prepare(string sql, uint flags)
    {
        var code = raw.sqlite3_prepare_v3(connection, sql, flags, out var prepared);
        return code == raw.SQLITE_OK ? prepared : throw SqliteErrors.Of(connection, code);
    }

    private static bool SetProvider()
    {
        Batteries_V2.Init();
        return true;
    }
}
