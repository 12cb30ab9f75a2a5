using System.Data.Common;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>A transaction of somebody who uses the library. What was not committed is rolled back when it is disposed.</summary>
internal sealed class CallersTransaction(DbConnection connection, DbTransaction transaction) : IAsyncDisposable
{
    public DbTransaction Transaction => transaction;

    public Task CommitAsync() => transaction.CommitAsync();

    public Task RollBackAsync() => transaction.RollbackAsync();

    /// <summary>A statement of the caller's own, in the transaction.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
